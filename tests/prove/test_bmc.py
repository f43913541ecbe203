"""Bounded model checking against the other engines: the same steps, the same shortest runs, and nothing claimed that was not looked at."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import z3

from model.engines.bmc.bmc import FREE, Call, check_bounded
from model.engines.bmc.slots import Mailbox, mailboxes, messages, possible
from model.engines.bmc.unroll import Unrolling
from model.engines.explore import explore
from model.engines.formulas import Vectors, value_in
from model.engines.source import Budget, Progress
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED, TraceStep, Verdict
from model.language import Property, Spec
from model.language.graph import Term
from model.language.ground import Expander
from model.language.plain import Frozen, Stepper
from model.language.trace import trace
from properties.registry import choose_properties, find_spec
from tests.engines.awkward import AWKWARD
from tests.language.small_forks import FORKS
from tests.language.small_functions import LOGS, ROWS
from tests.language.small_networks import NETWORKS, SETS
from traces.format import load

KRAFT, TWO_PHASE, CORE = find_spec("kraft"), find_spec("two-phase"), find_spec("kraft-core")
ONE_EPOCH = {"epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 0}


def bounded(spec: Spec, bounds: dict[str, int], *names: str, depth: int = 0, **more: Any) -> Verdict:
    """The verdict on the named properties (all for none)."""
    chosen = choose_properties(spec, names)
    return check_bounded(spec, spec.complete_bounds(bounds), chosen, depth=depth, clock=time.process_time, **more)


def found(verdict: Verdict, name: str) -> tuple[str, int | None]:
    """The verdict on one property, and the number of steps of its trace."""
    (prop,) = (p for p in verdict.properties if p.name == name)
    return prop.verdict, len(prop.trace.steps) if prop.trace is not None else None


# ---- steps
def solved(spec: Spec, bounds: dict[str, int], state: Frozen) -> list[tuple[str, tuple[Any, ...], Frozen]]:
    """Every step out of a state that the solver finds, with the state after it."""
    traced = trace(spec)
    expander = Expander(traced, bounds)
    unrolling = Unrolling.of(traced, expander, expander.layout.flat(state))
    solver = z3.SolverFor("QF_FD", ctx=unrolling.vectors.context)
    solver.add(unrolling.extend())
    formulas, after = unrolling.moments[0].formulas, unrolling.moments[1]
    steps = []
    while solver.check() == z3.sat:
        model = solver.model()
        taken = unrolling.read(model, 0)
        flat: list[Any] = [
            value_in(model, after.leaves[i]) if i in after.leaves else () for i in range(expander.layout.width)
        ]
        for name, slots in after.slots.items():
            there = [s for s in slots if z3.is_true(model.eval(s.there, model_completion=True))]
            held = [tuple(value_in(model, after.formulas.formula(f)) for f in s.fields) for s in there]
            kept = held if traced.networks[name].is_bag else set(held)
            flat[expander.layout.networks[name]] = tuple(sorted(kept))
        steps.append((taken.action, taken.args, expander.layout.plain(tuple(flat))))
        same = []
        for move in unrolling.moves:
            if z3.is_true(model.eval(unrolling.flag(move, 0))):
                same.append(unrolling.flag(move, 0))
                opened: Sequence[Term] = [t for owned in move.parameters for t in owned]
                values = [formulas.formula(t) for t in opened]
                same += [v == model.eval(v, model_completion=True) for v in values]
        solver.add(z3.Not(z3.And(*same)))
    return steps


@pytest.mark.parametrize(
    ("spec", "bounds", "states"),
    [
        (AWKWARD, {}, 12),
        (FORKS, {}, 12),
        (LOGS, {}, 12),
        (ROWS, {}, 12),
        (NETWORKS, {}, 12),
        (SETS, {"stale": 0}, 12),
        (SETS, {"stale": 1}, 12),
        (KRAFT, {}, 4),
        (KRAFT, {"stale": 1, "nodes": 2}, 6),
    ],
    ids=["options", "forks", "sequences", "rows", "bag", "newest", "all", "kraft", "kraft-stale"],
)
def test_its_steps_are_those_of_the_plain_reading(spec: Spec, bounds: dict[str, int], states: int) -> None:
    """Out of states met on a random walk, the solver finds every step of the plain reading, no other, and the same states after them."""
    scope = spec.complete_bounds(bounds)
    stepper, random = Stepper(spec, scope, coverage=False), Random(3)
    state = stepper.initial()
    taken = 0
    for _ in range(states):
        steps = list(stepper.successors(state))
        expected = [(spec.actions[place].name, args, new) for place, args, new in steps]
        assert sorted(solved(spec, scope, state), key=repr) == sorted(expected, key=repr)
        taken += len(expected)
        state = steps[int(random.random() * len(steps))][2] if steps else stepper.initial()
    assert taken > states


# ---- shortest runs
@pytest.mark.parametrize(
    ("bug", "steps"),
    [
        ("M5", 4),
        ("M2", 5),
        pytest.param("KAFKA-10533", 8, marks=pytest.mark.nightly),
        pytest.param("M3", 11, marks=pytest.mark.nightly),
        pytest.param("KAFKA-10527", 13, marks=pytest.mark.nightly),
    ],
)
def test_a_bug_is_found_in_as_few_steps_as_by_the_explorer(bug: str, steps: int) -> None:
    """The trace of a violation has as many steps as the museum's, found breadth first; there is none at a depth before."""
    spec = KRAFT.with_bug(bug)
    breaks = KRAFT.bugs[bug].breaks
    verdict = bounded(spec, dict(KRAFT.bugs[bug].bounds), breaks, depth=steps)
    assert found(verdict, breaks) == (VIOLATED, steps)
    assert (verdict.rung, verdict.depth) == ("bounded model checking", steps)


def test_what_is_reached_and_what_holds_is_as_explored() -> None:
    """In a scope that the explorer exhausts, each property has its verdict, and each `sometimes` its number of steps."""
    scope = TWO_PHASE.complete_bounds({"nodes": 2})
    explored = explore(Stepper(TWO_PHASE, scope), TWO_PHASE.properties, clock=time.process_time)
    verdict = bounded(TWO_PHASE, scope, depth=9)
    names = [p.name for p in TWO_PHASE.properties]
    assert [found(verdict, n) for n in names] == [found(explored, n) for n in names]
    assert verdict.verdict == HOLDS


def test_a_bound_on_steps_is_no_verdict_on_what_was_not_reached() -> None:
    """What no run of so many steps reaches is not settled; what is always true is said of runs of so many steps only."""
    verdict = bounded(TWO_PHASE, {"nodes": 2}, depth=3)
    assert found(verdict, "managers_agree") == (HOLDS, None)
    assert found(verdict, "everybody_commits") == (UNKNOWN, None)
    (prop,) = (p for p in verdict.properties if p.name == "everybody_commits")
    assert prop.reason == "not reached within 3 steps"


def test_a_run_that_can_go_on_for_no_longer_settles_everything() -> None:
    """In one epoch a single voter elects itself, and then there is nothing left to do: all runs have been seen."""
    scope = {"nodes": 1, **ONE_EPOCH}
    verdict = bounded(KRAFT, scope, "a_log_is_truncated", "leader_completeness", depth=20)
    assert found(verdict, "a_log_is_truncated") == (VIOLATED, None)
    assert found(verdict, "leader_completeness") == (HOLDS, None)
    assert verdict.depth < 20


def test_one_name_of_each_node_is_enough() -> None:
    """The first node to act is n1, the next new one n2: with the names left open no shorter run is found, and no other verdict."""
    traced, scope = trace(TWO_PHASE), TWO_PHASE.complete_bounds({"nodes": 3})
    lengths = []
    for symmetric in (True, False):
        expander = Expander(traced, scope)
        unrolling = Unrolling.of(traced, expander, expander.initial(), symmetric=symmetric)
        solver = z3.SolverFor("QF_FD", ctx=unrolling.vectors.context)
        for depth in range(12):
            claim = unrolling.claim("everybody_commits", 1, expected=True)
            if solver.check(claim) == z3.sat:
                lengths.append(depth)
                break
            solver.add(unrolling.extend())
        first = unrolling.read(solver.model(), 0)
        assert not symmetric or first.args == (0,)
    assert lengths == [10, 10]


# ---- skeletons and starts
ELECT = ("start_election", "request_votes", "handle_vote_request", "handle_vote_granted", "become_leader")
APPEND = ("append_record", "flush")
FETCH = ("send_fetch", "handle_fetch", "handle_fetched")


def calls(names: Sequence[str]) -> list[Call]:
    """A skeleton that leaves all arguments open."""
    return [Call(name) for name in names]


def kept(spec: Spec, *more: Property) -> Spec:
    """The spec with more properties."""
    return spec.with_properties((*spec.properties, *more))


def test_a_commit_takes_two_fetches(committed: Property) -> None:
    """Elect, follow, fetch the record, and acknowledge it by fetching again: only then can the leader commit."""
    spec = kept(CORE, committed)
    acknowledged = (*ELECT, *APPEND, "handle_begin_quorum", *FETCH, *FETCH[:2], "advance_high_watermark")
    verdict = bounded(spec, {**ONE_EPOCH, "stale": 1}, committed.name, skeleton=calls(acknowledged))
    assert found(verdict, committed.name) == (HOLDS, len(acknowledged))
    too_soon = (*ELECT, *APPEND, "handle_begin_quorum", *FETCH, "advance_high_watermark")
    verdict = bounded(spec, {**ONE_EPOCH, "stale": 1}, committed.name, skeleton=calls(too_soon))
    assert found(verdict, committed.name) == (UNKNOWN, None)
    assert verdict.reason == "no run takes step 12 of the skeleton, advance_high_watermark"


def test_logs_diverge_when_a_leader_is_replaced_before_it_is_followed(diverged: Property) -> None:
    """A leader whose record nobody has fetched is replaced; it follows the new one, and its log is not a prefix."""
    spec, scope = kept(CORE, diverged), {"log": 1, "values": 0, "restarts": 0, "stale": 1}
    replaced = (*ELECT, *APPEND, *ELECT, *APPEND, "hear_of_epoch", "handle_begin_quorum", *FETCH[:2])
    assert found(bounded(spec, scope, diverged.name, skeleton=calls(replaced)), diverged.name) == (HOLDS, 18)
    followed = (*ELECT, *APPEND, "handle_begin_quorum", *FETCH[:2])
    assert found(bounded(spec, scope, diverged.name, skeleton=calls(followed)), diverged.name) == (UNKNOWN, None)


def test_given_arguments_are_taken() -> None:
    """A skeleton may name arguments; the solver chooses the others."""
    skeleton = [Call("start_election", (2,)), Call("handle_vote_request", (1, FREE)), Call("handle_vote_response")]
    verdict = bounded(KRAFT, {}, "a_leader_is_elected", skeleton=skeleton)
    (prop,) = (p for p in verdict.properties if p.name == "a_leader_is_elected")
    assert prop.trace is not None
    assert [step.args[0] for step in prop.trace.steps[:2]] == [2, 1]


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        (Call("elect"), "unknown action 'elect' of spec kraft"),
        (Call("start_election", (0, 1)), r"start_election takes 1 arguments \(n: Node\), not 2"),
    ],
    ids=str,
)
def test_what_the_spec_has_not_is_refused(call: Call, cause: str) -> None:
    """A skeleton names actions of the spec, with their arguments."""
    with pytest.raises(LookupError, match=cause):
        bounded(KRAFT, {}, skeleton=[call])


def test_runs_start_where_a_path_ends() -> None:
    """From the state after four of the eight steps to a violation, four more are enough; the trace is the whole path."""
    spec, bounds = KRAFT.with_bug("KAFKA-10533"), dict(KRAFT.bugs["KAFKA-10533"].bounds)
    breaks = KRAFT.bugs["KAFKA-10533"].breaks
    museum = load(Path(__file__).resolve().parents[2] / "traces" / "museum" / "KAFKA-10533.itf.json")
    steps = [TraceStep(str(s.action), s.args) for s in museum.states[1:]]
    rest = bounded(spec, bounds, breaks, depth=4, start=steps[:4])
    assert found(rest, breaks) == (VIOLATED, len(steps))
    assert rest.depth == 4


# ---- honesty
def test_a_used_up_budget_is_no_verdict() -> None:
    """Without time nothing is settled, and the reason says how far the search was."""
    verdict = bounded(KRAFT, {}, "leader_completeness", depth=5, budget=Budget(seconds=0.0))
    assert (verdict.verdict, verdict.reason) == (UNKNOWN, "budget used up at depth 0")


def test_an_interrupt_is_no_verdict() -> None:
    """Ctrl-C gives `unknown` with the depth that was reached; what was reached before is kept."""

    def stop_at(depth: int) -> Callable[[Progress], None]:
        def report(now: Progress) -> None:
            if now.depth == depth:
                raise KeyboardInterrupt

        return report

    verdict = bounded(TWO_PHASE, {"nodes": 1}, depth=5, report=stop_at(3))
    assert (verdict.verdict, verdict.reason) == (UNKNOWN, "interrupted at depth 3")
    assert found(verdict, "everybody_aborts") == (HOLDS, 1)


def test_few_messages_have_a_place_each() -> None:
    """A network with few possible messages has one slot per message; a set that grows gets a slot for every message sent."""
    traced = trace(TWO_PHASE)
    expander = Expander(traced, TWO_PHASE.complete_bounds({"nodes": 3}))
    record = traced.networks["prepared_sent"].record
    assert possible(expander.codec, record) == len(list(messages(expander.codec, record))) == 3
    vectors = Vectors(expander.codec, 8, z3.Context())
    box: Mailbox = mailboxes(expander, vectors, [])["prepared_sent"]
    assert [len(box.first([])), len(box.next(box.first([]), 1)), box.grows] == [3, 3, False]
