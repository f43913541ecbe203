"""Conformance: every step of the implementation is a step of the spec, a short path of steps, or a stutter.

A *shadow* state of the spec goes along with the world. After each step of the world a path of the spec is looked for that leads
from the shadow to a state whose nodes are those of the world (`abstraction.py`). The shadow's messages are those that the spec has
sent on the way, so a message that the implementation acts on must be one that the spec has sent; and each request that the
implementation sends must be in the shadow. The network bound is `stale=1`: every message stays deliverable.
"""

import linecache
from typing import Any

from attrs import frozen

from impl.effects import Send
from impl.world.record import StepRecord
from impl.world.world import World
from model.kraft.state import BeginQuorumRequest, FetchRequest, VoteRequest
from model.language import Disabled, Spec
from model.language.plain import Stepper
from traces.abstraction import PLACES, NodePart, Numbering, Values, abstract_nodes, differences, node_part
from traces.hints import Path, Step, abstract_message, hints

_ROOM = 4
"""How far below its bounds the shadow is kept: one step of the world is at most a few steps of the spec."""

_REQUESTS = {VoteRequest: "vote_requests", BeginQuorumRequest: "begin_requests", FetchRequest: "fetch_requests"}


Reasons = list[tuple[int, str, tuple[str, ...]]]
"""Why candidates were not the step: (how far away, what was tried, what is wrong)."""


@frozen
class Divergence:
    """A step of the implementation that the spec does not allow.

    `step` is the world's step number, `did` what the world did, `nearest` the spec's action that came nearest, `because` why it is not
    this step: the guard that is false, or the first differences between its result and the world.
    """

    step: int
    did: str
    nearest: str
    because: tuple[str, ...]

    def __str__(self) -> str:
        because = "; ".join(self.because)
        return f"step {self.step} ({self.did}) is no step of the spec; nearest action {self.nearest}: {because}"


def describe_step(record: StepRecord) -> str:
    """One line for what the world did."""
    event = record.event
    message = getattr(event, "message", None)
    if message is not None:
        return f"{type(record.choice).__name__} {message}"
    return str(record.choice)


def guard_text(stop: Disabled) -> str:
    """The source line of the guard that is false."""
    if stop.code is None:
        return "the message is not in flight"
    line = linecache.getline(stop.code.co_filename, stop.line).strip()
    return f"guard `{line}` is false"


class Shadow:
    """A state of the spec that moves by the spec's own steps; the bounds grow with it."""

    def __init__(self, spec: Spec, nodes: int) -> None:
        self.spec = spec
        bounds = {"nodes": nodes, "epochs": 8, "log": 8, "values": 8, "elections": 64, "restarts": 64, "stale": 1}
        self.stepper = Stepper(spec, bounds, coverage=False)
        self.state: tuple[Any, ...] = self.stepper.initial()
        self._parameters = {action.name: action.parameters for action in spec.actions}

    def make_room(self, target: NodePart) -> None:
        """Double the bounds until the next steps cannot meet them, and carry the state over."""
        old = self.stepper
        used = {
            "epochs": max(target["epoch"]),
            "log": max(len(log) for log in target["log"]),
            "values": max((entry.value for log in target["log"] for entry in log), default=0),
            "elections": self.state[PLACES["aux_elections"]],
            "restarts": self.state[PLACES["aux_restarts"]],
        }
        wanted = dict(old.bounds)
        for name, value in used.items():
            while wanted[name] < value + _ROOM:
                wanted[name] *= 2
        if wanted != old.bounds:
            self.stepper = Stepper(self.spec, wanted, coverage=False)
            self.state = self.stepper.resized(self.state, old)

    def after(self, step: Step) -> tuple[Any, ...]:
        """The state after one step of the spec; raises Disabled if it is not enabled: its message must be there, its guards true."""
        name, args = step
        for parameter, value in zip(self._parameters[name], args, strict=True):
            if parameter.network is not None and value not in self.state[PLACES[parameter.network]]:
                raise Disabled(None, 0)
        return self.stepper.apply(self.state, name, args)

    def contains(self, message: Any) -> bool:
        """Whether the spec has sent this request."""
        return message in self.state[PLACES[_REQUESTS[type(message)]]]


class Conformance:
    """An observer of the world that keeps the shadow, and the first divergence it meets; after that it rests.

    `diverged` is None while all is well; `steps` counts the spec's steps per action, `stutters` the world's steps that are none.
    `path` is what the last step of the world was (empty: a stutter), `states` the shadow's states along it.
    """

    def __init__(self, spec: Spec, nodes: int, values: Values | None = None) -> None:
        self.shadow = Shadow(spec, nodes)
        self.values: Values = values if values is not None else Numbering()
        self.diverged: Divergence | None = None
        self.steps: dict[str, int] = {action.name: 0 for action in spec.actions}
        self.stutters = 0
        self.path: Path = ()
        self.states: tuple[tuple[Any, ...], ...] = ()

    def __call__(self, world: World, record: StepRecord) -> None:
        """Follow one step of the world."""
        if self.diverged is not None:
            return
        self.path, self.states = (), ()
        target = abstract_nodes(world.snapshot(), self.values)
        self.shadow.make_room(target)
        reasons: Reasons = []
        tried = list(dict.fromkeys(hints(world, record, self.values)))
        for path in tried:
            if self._follow(path, target, reasons):
                break
        else:
            found = self._search(target)
            if found is None:
                self._diverge(record, reasons, target)
                return
            self._follow(found, target, reasons)
        self._check_sent(world, record)

    def _follow(self, path: Path, target: NodePart, reasons: Reasons) -> bool:
        """Take a path if it leads to the target; otherwise leave the shadow where it was and note why not."""
        start = self.shadow.state
        states = []
        for taken, step in enumerate(path):
            try:
                self.shadow.state = self.shadow.after(step)
                states.append(self.shadow.state)
            except Disabled as stop:
                reasons.append((len(path) - taken, show_step(step), (guard_text(stop),)))
                self.shadow.state = start
                return False
        wrong = differences(node_part(self.shadow.state), target)
        if wrong:
            name = show_step(path[-1]) if path else "(none: a stutter)"
            reasons.append((len(wrong), name, tuple(wrong[:3])))
            self.shadow.state = start
            return False
        for name, _ in path:
            self.steps[name] += 1
        self.stutters += not path
        self.path, self.states = path, tuple(states)
        return True

    def _search(self, target: NodePart) -> Path | None:
        """One or two steps of the spec, any enabled ones, that lead to the target."""
        stepper, start = self.shadow.stepper, self.shadow.state
        first = []
        for place, args, new in stepper.successors(start):
            step = (stepper.spec.actions[place].name, args)
            if node_part(new) == target:
                return (step,)
            first.append((step, new))
        for step, middle in first:
            for place, args, new in stepper.successors(middle):
                if node_part(new) == target:
                    return (step, (stepper.spec.actions[place].name, args))
        return None

    def _diverge(self, record: StepRecord, reasons: Reasons, target: NodePart) -> None:
        stepper, start = self.shadow.stepper, self.shadow.state
        for place, args, new in stepper.successors(start):
            wrong = differences(node_part(new), target)
            reasons.append((len(wrong), show_step((stepper.spec.actions[place].name, args)), tuple(wrong[:3])))
        # The hinted action first, if a guard stopped it: that is what the author of the implementation meant to do.
        guarded = [r for r in reasons if r[2][0].startswith("guard")]
        _, nearest, because = guarded[0] if guarded else min(reasons, key=lambda r: r[0])
        self.diverged = Divergence(record.index, describe_step(record), nearest, because)

    def _check_sent(self, world: World, record: StepRecord) -> None:
        """Every request that the implementation sent is one that the spec has sent."""
        for effect in record.effects:
            if isinstance(effect, Send):
                message = abstract_message(effect.message, self.values)
                if type(message) in _REQUESTS and not self.shadow.contains(message):
                    because = (f"{message!r} was sent, which no action of the spec has sent",)
                    self.diverged = Divergence(record.index, describe_step(record), "(a message)", because)
                    return


def show_step(step: Step) -> str:
    """An action and its arguments, compactly."""
    name, args = step
    return f"{name}({', '.join(repr(a) for a in args)})"
