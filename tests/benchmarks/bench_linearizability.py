"""How fast the linearizability checker is: operations per CPU second, by concurrency. Run by hand:

python -m tests.benchmarks.bench_linearizability [OPERATIONS]

Each history comes from a simulated topic: every client always has an operation in flight, which takes effect at one
random moment between its call and its return. "1 in 50 unknown" forgets the answers of some of them.
"""

import math
import resource
import sys
import time
from random import Random

from properties.histories import History, Json, Operation
from properties.linearizability import check
from properties.sequential_models import MetadataModel, MetadataState

CLIENTS = (1, 2, 4, 8, 16, 32)
UNKNOWN_ONE_IN = (0, 50)


def simulate(operations: int, clients: int, unknown_one_in: int, seed: int) -> History:
    """A linearizable history of one key with `clients` operations always in flight."""
    random = Random(seed)
    model, state, clock = MetadataModel(), MetadataModel().init(), 0
    in_flight: list[tuple[Operation, Operation | None]] = []  # as called, and as answered once it took effect
    done: list[Operation] = []
    while len(done) < operations:
        clock += 1
        if len(in_flight) < clients:
            f, value = _request(random, state, clock)
            in_flight.append((Operation(len(in_flight), f, "topic", value, clock), None))
            continue
        at = random.getrandbits(16) % len(in_flight)
        called, answered = in_flight[at]
        if answered is None:
            answered, state = _take_effect(model, state, called, clock)
            in_flight[at] = called, answered
        else:
            unknown = unknown_one_in and random.getrandbits(16) % unknown_one_in == 0
            end = None if unknown else clock
            output, error = (None, None) if unknown else (answered.output, answered.error)
            done.append(Operation(at, called.f, called.key, called.input, called.call, end, output, error))
            del in_flight[at]
    done.extend(called for called, _ in in_flight)  # never answered, but they may have taken effect
    return History(operations=tuple(sorted(done, key=lambda op: op.call)))


def _request(random: Random, state: MetadataState, clock: int) -> tuple[str, Json]:
    draw = random.getrandbits(4)
    if draw < 7:
        return "read", None
    if draw < 11:
        return "set_config", f"v{clock}"
    if draw < 14:
        return "update", {"expected": state.version, "value": f"v{clock}"}
    return ("create_topic", None) if draw == 14 else ("delete_topic", None)


def _take_effect(
    model: MetadataModel, state: MetadataState, called: Operation, clock: int
) -> tuple[Operation, MetadataState]:
    _, after = model.step(state, called)
    error: str | None = None
    output: Json = None
    if called.f == "read":
        output = {"exists": state.exists, "version": state.version, "value": state.value}
    elif after == state:
        error = model.expected(state, called)
    else:
        output = {"version": after.version}
    return Operation(called.process, called.f, called.key, called.input, called.call, clock, output, error), after


def main() -> None:
    """Print one line for each concurrency: verdict, configurations, operations per CPU second, peak memory."""
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print("clients  unknown          verdict configurations   CPU s operations/s peak MB so far")
    for unknown_one_in in UNKNOWN_ONE_IN:
        for clients in CLIENTS:
            history = simulate(operations, clients, unknown_one_in, seed=clients)
            started = time.process_time()
            verdict = check(history, MetadataModel(), budget_seconds=60, budget_states=math.inf)
            seconds = time.process_time() - started
            unknown = f"1 in {unknown_one_in}" if unknown_one_in else "none"
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"{clients:>7} {unknown:>8} {verdict.verdict:>16} {verdict.configurations:>14}"
                f" {seconds:>7.2f} {operations / seconds:>12,.0f} {peak:>14}"
            )


if __name__ == "__main__":
    main()
