"""Brokers on ZooKeeper under faults, by seed: what must hold holds, and every historical bug breaks what it is said to break."""

import pytest

from impl.zk_controller.bugs import BUGS
from tests.impl.kafka_chaos import DEPOSED, ELECTIONS, LOSSY, MOVES, RESTARTS, Chaos, Scenario
from tests.impl.kafka_watch import Broken

USUAL = Scenario()
SCENARIOS = {"usual": USUAL, "elections": ELECTIONS, "lossy": LOSSY, "moves": MOVES, "restarts": RESTARTS}

FOUND_BY = {
    "KAFKA-6082": (ELECTIONS, 20, "K2"),
    "KAFKA-1096": (ELECTIONS, 5, "K1"),
    "KAFKA-1451": (DEPOSED, 30, "all know the controller"),
    "KAFKA-2729": (LOSSY, 10, "K9"),
    "KAFKA-14144": (LOSSY, 20, "K9"),
    "KAFKA-7235": (USUAL, 10, "K8"),
    "KAFKA-14140": (USUAL, 20, "only brokers that live and stay"),
    "KAFKA-1387": (USUAL, 5, "K12"),
    "KAFKA-4443": (RESTARTS, 20, "K9"),
    "STALE-DELETION-RESPONSE": (LOSSY, 20, "deletions are carried out"),
    "DELETION-DURING-REASSIGNMENT": (MOVES, 30, "K10"),
}
"""Bug -> the scenario that brings it about, how many seeds are enough, and which claim it breaks."""

SCRIPTED = ("KAFKA-6361",)
"""Found by a script in test_zk_controller_replication.py: seeds would have to be very lucky."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_must_hold_of_brokers_on_zookeeper_holds(name: str) -> None:
    """K1 to K15 hold in seeded runs with crashes, expiries, pauses, partitions and lost messages, and something happened."""
    seen: dict[str, int] = {}
    for seed in range(1000, 1004):
        for what, count in Chaos(seed, scenario=SCENARIOS[name]).run().seen.items():
            seen[what] = seen.get(what, 0) + count
    wanted = {"elections", "control requests", "state changes", "logs"}
    if name == "usual":
        wanted |= {"stale control requests", "leader changes", "ISR expansions", "producer ids", "topics deleted"}
        wanted |= {"acknowledged", "acknowledged records checked"}
    assert wanted <= set(seen)


@pytest.mark.nightly
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_must_hold_holds_in_many_runs(name: str) -> None:
    """The same in many more runs."""
    for seed in range(2000, 2300):
        Chaos(seed, scenario=SCENARIOS[name]).run()


@pytest.mark.parametrize("bug", FOUND_BY)
def test_a_historical_bug_is_found_by_seeds(bug: str) -> None:
    """Every bug breaks its property in one of a few runs; no run ends in any other way than by a broken claim."""
    scenario, seeds, claim = FOUND_BY[bug]
    broken = []
    for seed in range(seeds):
        try:
            Chaos(seed, bug, scenario).run()
        except Broken as found:
            broken.append(str(found))
            if str(found).startswith(claim):
                return
    pytest.fail(f"{bug} in {seeds} runs: {broken}")


def test_every_bug_is_looked_for() -> None:
    """No bug is left out: each is found by seeds or by a script."""
    assert {*FOUND_BY, *SCRIPTED} == set(BUGS)


def test_the_same_seed_gives_the_same_run() -> None:
    """A run is determined by its seed."""
    runs = []
    for _ in range(2):
        chaos = Chaos(7, scenario=ELECTIONS)
        chaos.run()
        runs.append((chaos.cluster.steps, chaos.cluster.store.tree.digest, chaos.watch.seen))
    assert runs[0] == runs[1]
