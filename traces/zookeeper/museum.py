"""How the museum's traces of ZooKeeper are made: a shortest counterexample that servers can follow, and the choices with which they do.

The spec allows more than servers do: NEWLEADER may leave later than the synchronisation, and of equally good servers any may be elected.
So the search is in `narrowed`, whose every step is one or two of the spec's; the nodes are then numbered so that each vote goes to the
server with the largest id.
"""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

from impl.world.choices import choice_to_json
from impl.zookeeper.bugs import rules_with
from impl.zookeeper.orders import Do
from model.engines.compiled.explore import explore_compiled
from model.engines.verdict import SpecTrace, TraceStep
from model.language import Node, Quorum, Spec, require
from model.language.plain import Stepper
from model.zookeeper.zab import ensemble
from model.zookeeper.zab.state import Kind, Link, Zab
from model.zookeeper.zab.transitions import packet
from traces.driving import CannotDrive, Mismatch
from traces.pairings import LOCKSTEPS
from traces.steps import Path
from traces.trace import Trace, from_spec_trace
from traces.zookeeper.drive import EnsembleDriver, drive, grouped
from traces.zookeeper.pairing import ZabPairing


def _sync_follower(s: Zab, leader: Node, learner: Node) -> None:
    """As `sync_follower` and `queue_newleader`."""
    ensemble.sync_follower(s, leader, learner)
    _newleader_follows(s, leader, learner)


def _no_snapshot(s: Zab, leader: Node, learner: Node) -> None:
    """Never: committedLog of an ensemble that has just been set up reaches back to its beginning."""
    require(s.link[leader, learner] != s.link[leader, learner])


def _newleader_follows(s: Zab, leader: Any, learner: Any) -> None:
    s.channel[leader, learner].append(packet(Kind.NEWLEADER, s.accepted_epoch[leader], 0))
    s.link[leader, learner] = Link.SYNCED


def narrowed(spec: Spec) -> Spec:
    """The spec without what servers do not do."""
    return spec.replace("sync_follower", _sync_follower).replace("sync_by_snapshot", _no_snapshot)


def widened(path: Path) -> Path:
    """A path of the narrowed spec as one of the spec."""
    both = (
        ((name, args), ("queue_newleader", args)) if name == "sync_follower" else ((name, args),) for name, args in path
    )
    return tuple(step for steps in both for step in steps)


def renamed(spec: Spec, path: Path, order: tuple[int, ...]) -> Path:
    """A path with the nodes in another order: node n becomes order[n]."""
    parameters = {action.name: action.parameters for action in spec.actions}

    def value(sort: Any, of: Any) -> Any:
        if sort is Node:
            return order[of]
        return tuple(sorted(order[n] for n in of)) if sort is Quorum else of

    return tuple(
        (name, tuple(value(p.sort, a) for p, a in zip(parameters[name], args, strict=True))) for name, args in path
    )


def led(spec: Spec, path: Path, bounds: Mapping[str, int], name: str) -> Trace:
    """The trace of a path that breaks a property of the narrowed spec, with the choices that lead an ensemble along it.

    CannotDrive, with what stopped the ensemble that came furthest, if none follows.
    """
    whole = widened(path)
    if Do.QUEUE_ALL not in rules_with(LOCKSTEPS[spec.name].bugs[spec.bug] if spec.bug else None).order.steps:
        whole = grouped(whole)
    furthest = Mismatch(0, "", ("no order of the servers was tried",))
    for order in permutations(range(bounds["nodes"])):
        found = along(spec, renamed(spec, whole, order), bounds, name)
        if isinstance(found, Trace):
            return found
        furthest = max(furthest, found, key=lambda m: m.step)
    raise CannotDrive(str(furthest))


def along(spec: Spec, steps: Path, bounds: Mapping[str, int], name: str) -> Trace | Mismatch:
    """The trace of a path of the spec itself, with the choices that lead an ensemble along it; or where it does not follow."""
    states = _states(spec, bounds, steps)
    config = LOCKSTEPS[spec.name].world(bounds["nodes"], 1, spec.bug)
    choices, mismatch = drive(EnsembleDriver(config, ZabPairing(bounds["nodes"], begun=True)), steps, states[1:])
    if mismatch is not None:
        return mismatch
    return from_spec_trace(
        spec,
        bounds,
        SpecTrace(tuple(TraceStep(*step) for step in steps), tuple(states)),
        property=name,
        kind=next(p.kind for p in spec.properties if p.name == name),
        engine="explore",
        choices=[[choice_to_json(choice) for choice in made] for made in choices],
    )


def again(trace: Trace) -> Trace:
    """The same path with today's spec and today's world, after either has changed. CannotDrive if the ensemble does not follow any more."""
    steps = tuple((state.action, state.args) for state in trace.states if state.action is not None)
    found = along(trace.spec, steps, trace.bounds, str(trace.property))
    if isinstance(found, Mismatch):
        raise CannotDrive(str(found))
    return found


def _states(spec: Spec, bounds: Mapping[str, int], path: Path) -> list[Any]:
    stepper = Stepper(spec, bounds, coverage=False)
    states = [stepper.initial()]
    for name, args in path:
        states.append(stepper.apply(states[-1], name, args))
    return states


def made(spec: Spec) -> Trace:
    """The trace of the bug that a spec has: the narrowed spec is searched within the bug's bounds for the property that it breaks."""
    bug = spec.bugs[spec.bug or ""]
    bounds = spec.complete_bounds(bug.bounds)
    searched = narrowed(spec).with_properties(p for p in spec.properties if p.name == bug.breaks)
    verdict = explore_compiled(searched, bounds, clock=lambda: 0.0)
    if verdict.violation is None or verdict.violation.trace is None:
        raise LookupError(f"{spec.bug} does not break {bug.breaks} within {bounds} where servers do it")
    path = tuple((step.action, step.args) for step in verdict.violation.trace.steps)
    return led(spec, path, bounds, bug.breaks)
