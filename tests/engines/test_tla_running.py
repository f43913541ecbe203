"""The exported text run without TLC: it has the states, properties and behaviours of the spec."""

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve

from model.engines.export.tla import TlaModule, export_tla
from model.engines.export.tlc_traces import read_tlc_trace, trace_module
from model.engines.export.values import TlcTraceError
from model.engines.verdict import SpecTrace
from model.language.plain import Stepper
from model.two_phase.spec import SPEC as TWO_PHASE
from tests.engines import tla_states
from tests.engines.awkward import AWKWARD
from tests.engines.tla_reader import Module, read_module
from tests.engines.tla_running import checker, explored, model_values, searched, settings
from tests.engines.tla_states import Checker
from tests.engines.tlc_figures import FIGURES, SPECS, VIOLATIONS, Figure, Violation


@pytest.mark.parametrize("figure", [f for f in FIGURES if f.generated < 10_000], ids=str)
def test_the_text_has_the_states_that_tlc_found(figure: Figure) -> None:
    """Distinct and generated states, depth and steps per action of the module as text, run without TLC."""
    assert searched(SPECS[figure.spec], figure.bounds) == evolve(figure, spec=SPECS[figure.spec].name)


@pytest.mark.parametrize("figure", FIGURES, ids=str)
def test_the_explorer_has_the_states_that_tlc_found(figure: Figure) -> None:
    """The explorer's numbers are TLC's."""
    verdict = explored(SPECS[figure.spec], figure.bounds)
    found = (verdict.distinct, verdict.generated, verdict.depth, verdict.coverage)
    assert found == (figure.distinct, figure.generated, figure.depth, figure.actions)


@pytest.mark.parametrize("violation", VIOLATIONS, ids=str)
def test_the_explorer_finds_what_tlc_found(violation: Violation) -> None:
    """The same property is violated, after as many states."""
    found = explored(SPECS["kraft"].with_bug(violation.bug), violation.bounds, properties=True).violation
    assert found is not None
    assert found.trace is not None
    assert (found.name, len(found.trace.states)) == (violation.property, violation.states)


def test_properties_mean_the_same_in_the_text() -> None:
    """In every state and step of small scopes, the module's operators say what the spec's properties say."""
    said: dict[str, set[bool]] = {}
    for name, bounds in (("forks", {"epochs": 1}), ("sets", {}), ("rows", {"epochs": 0}), ("networks", {})):
        spec = SPECS[name]
        complete = spec.complete_bounds(bounds)
        module, stepper = export_tla(spec, bounds), Stepper(spec, complete)
        running = checker(module)
        pairs = list(zip(_states(stepper, 150), _tla_states(module, running, stepper, 150), strict=True))
        for (state, after), (tla_state, tla_after) in pairs:
            for prop in spec.properties:
                operator = module.properties[prop.name]
                if prop.states == 1:
                    truth = stepper.holds(prop, state)
                    assert running.holds(operator, tla_state) is truth, prop.name
                else:
                    truth = stepper.holds(prop, state, after)
                    assert running.holds(operator, tla_state, tla_after) is truth, prop.name
                said.setdefault(prop.name, set()).add(truth)
    assert sum(len(truths) for truths in said.values()) > len(said)  # some are true here and false there


def _states(stepper: Stepper, most: int) -> list[tuple[Any, Any]]:
    """Steps out of the first states of a breadth-first search, as (state, next state)."""
    queue, found = [stepper.initial()], []
    seen = set(queue)
    for state in queue:
        for _, _, new in stepper.successors(state):
            found.append((state, new))
            if new not in seen:
                seen.add(new)
                queue.append(new)
        if len(found) >= most:
            break
    return found[:most]


def _tla_states(module: TlaModule, running: Checker, stepper: Stepper, most: int) -> list[tuple[Any, Any]]:
    """The same states as values of the module: written by the trace module, read back and evaluated."""
    found = []
    for state, new in _states(stepper, most):
        pair = SpecTrace((), (state, new))
        text = trace_module(module, stepper.bounds, pair).text
        written = Checker(
            read_module(text, {module.name: running.module}),
            {**settings(module), **model_values(module)},
        )
        states = written.value(("name", "States", ()), {})
        found.append((states[1], states[2]))
    return found


@pytest.mark.parametrize("violation", VIOLATIONS, ids=str)
def test_a_counterexample_is_a_behaviour_of_the_module(violation: Violation) -> None:
    """The trace module follows the explorer's counterexample to its end, and no further than a wrong state."""
    spec = SPECS["kraft"].with_bug(violation.bug)
    bounds = spec.complete_bounds(violation.bounds)
    module = export_tla(spec, bounds)
    found = explored(spec, bounds, properties=True).violation
    assert found is not None
    assert found.trace is not None
    assert _followed(module, bounds, found.trace) == len(found.trace.states)
    steps, states = found.trace.steps, found.trace.states
    skipped = SpecTrace((*steps[:1], *steps[2:]), (*states[:2], *states[3:]))
    assert _followed(module, bounds, skipped) < len(skipped.states)


def _followed(module: TlaModule, bounds: Mapping[str, int], path: SpecTrace) -> int:
    """How many states of a path the trace module passes through."""
    follower = trace_module(module, bounds, path)
    others: dict[str, Module] = {module.name: read_module(module.text)}
    running = Checker(read_module(follower.text, others), {**settings(module), **model_values(module)})
    state: tla_states.State = {**running.initial()[0], "step": 1}
    action = ("name", "TraceNext", ())
    while True:
        assert running.holds(follower.violated, state) is (state["step"] < len(path.states))
        following = list(running.steps(action, state))
        if not following:
            return int(state["step"])
        (state,) = following


def test_a_trace_of_tlc_is_replayed_on_the_spec() -> None:
    """What TLC dumped is read by the types of the spec, and each step is taken in the plain reading."""
    spec = TWO_PHASE
    bounds = spec.complete_bounds({"nodes": 2})
    module = export_tla(spec, bounds)
    path = read_tlc_trace(module, bounds, DUMP)
    assert [(s.action, s.args) for s in path.steps] == [("prepare", (0,)), ("choose_to_abort", (1,))]
    stepper = Stepper(spec, bounds)
    assert path.states[-1] == stepper.apply(path.states[1], "choose_to_abort", (1,))


_FIRST = (
    '{"vote": {"n1": "WORKING", "n2": "WORKING"}, "decision": "INIT", "prepared": {"n1": false, "n2": false}, '
    '"prepared_sent": [], "commit_sent": [], "abort_sent": []}'
)
_SECOND = _FIRST.replace('"n1": "WORKING"', '"n1": "PREPARED"').replace(
    '_sent": [],', '_sent": [{"manager": "n1"}],', 1
)
_THIRD = _SECOND.replace('"n2": "WORKING"', '"n2": "ABORTED"')
DUMP = (
    f'{{"counterexample": {{"action": [[[1, {_FIRST}], {{"name": "Prepare"}}, [2, {_SECOND}]], '
    f'[[2, {_SECOND}], {{"name": "ChooseToAbort"}}, [3, {_THIRD}]]], "state": []}}}}'
)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Prepare", "DecideAbort", "step 1: no DecideAbort leads to state 2"),
        ("Prepare", "Elsewhere", "step 1: no Elsewhere leads to state 2"),
        ('"n2": "ABORTED"', '"n2": "COMMITTED"', "step 2: no ChooseToAbort leads to state 3"),
        ('"n2": "ABORTED"', '"n2": "GONE"', "state 3: vote: 'GONE' is no Vote within the bounds"),
        ('{"manager": "n1"}', '{"manager": "n9"}', "state 2: prepared_sent: 'n9' is no Node within the bounds"),
        ('{"manager": "n1"}', '{"leader": "n1"}', "state 2: prepared_sent: no value of manager"),
        ('"decision": "INIT", ', "", "state 1: no value of decision"),
        ('"commit_sent": []', '"commit_sent": {}', "state 1: commit_sent: {} is no list"),
        ('"INIT"', '"ABORTED"', "state 1: not the initial state of the spec"),
        ("counterexample", "example", "not a counterexample in TLC's JSON"),
        ("[[[1", "[[[", "not a counterexample in TLC's JSON"),
    ],
)
def test_what_is_no_trace_is_refused(old: str, new: str, says: str) -> None:
    """An edited dump is refused with the state or step where it goes wrong."""
    bounds = TWO_PHASE.complete_bounds({"nodes": 2})
    assert DUMP.replace(old, new) != DUMP
    with pytest.raises(TlcTraceError, match=says.replace("{}", r"\{\}")):
        read_tlc_trace(export_tla(TWO_PHASE, bounds), bounds, DUMP.replace(old, new))


def test_names_that_are_taken_get_others() -> None:
    """Reserved words, standard operators and names of the module itself are avoided."""
    module = export_tla(AWKWARD, {})
    read_module(module.text)
    assert module.name == "IFThen"
    assert {"IN_", "Append_", "parcel_owner"} <= set(module.words.names)


def test_an_element_that_may_be_unset_is_tested_before_it_is_used() -> None:
    """`Append[parcel[n].owner]` of nobody's parcel is the default, not an error of TLC."""
    text = export_tla(AWKWARD, {}).text
    assert "IF parcel_owner[n] \\in Node THEN Append_[parcel_owner[n]] ELSE 0" in text
