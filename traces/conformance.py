"""Conformance: every step of the implementation is a step of the spec, a short path of steps, or a stutter.

A *shadow* state of the spec goes along with the world. After each step of the world a path of the spec is looked for that leads
from the shadow to a state that the world stands for: a pairing (`pairing.py`) says which those are, and what to try first.
"""

from typing import Any

from attrs import frozen

from impl.world.record import StepRecord
from impl.world.world import World
from model.language import Disabled, Spec
from model.language.plain import Stepper
from traces.guards import false_guard
from traces.pairing import Pairing, Part
from traces.pairings import pairing_for
from traces.steps import Path, Step, show_step

_ROOM = 4
"""How far below its bounds the shadow is kept: one step of the world is at most a few steps of the spec."""

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


class Shadow:
    """A state of the spec that moves by the spec's own steps; the bounds grow with it."""

    def __init__(self, spec: Spec, pairing: Pairing) -> None:
        self.spec, self.pairing = spec, pairing
        self.stepper = Stepper(spec, {"nodes": pairing.nodes, **pairing.first_bounds}, coverage=False)
        self.state: tuple[Any, ...] = self.stepper.initial()
        self.beginning: list[tuple[Step | None, tuple[Any, ...]]] = [(None, self.state)]
        """The way from the initial state to the one that a new world stands for: each step, and the state after it."""
        for step in pairing.start:
            self.state = self.after(step)
            self.beginning.append((step, self.state))

    def make_room(self, target: Part) -> None:
        """Double the bounds until the next steps cannot meet them, and carry the state over."""
        old = self.stepper
        wanted = dict(old.bounds)
        for name, value in self.pairing.needed(target, self.state).items():
            while wanted[name] < value + _ROOM:
                wanted[name] *= 2
        if wanted != old.bounds:
            self.stepper = Stepper(self.spec, wanted, coverage=False)
            self.state = self.stepper.resized(self.state, old)

    def after(self, step: Step) -> tuple[Any, ...]:
        """The state after one step of the spec; raises Disabled if it is not enabled: its message must be there, its guards true."""
        name, args = step
        return self.stepper.apply(self.state, name, args)


class Conformance:
    """An observer of the world that keeps the shadow, and the first divergence it meets; after that it rests.

    `diverged` is None while all is well; `steps` counts the spec's steps per action, `stutters` the world's steps that are none.
    `path` is what the last step of the world was (empty: a stutter), `states` the shadow's states along it.
    """

    def __init__(self, spec: Spec, nodes: int, pairing: Pairing | None = None) -> None:
        self.pairing = pairing_for(spec, nodes) if pairing is None else pairing
        self.shadow = Shadow(spec, self.pairing)
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
        self.pairing.meet(world, record)
        target = self.pairing.abstract(world)
        self.shadow.make_room(target)
        reasons: Reasons = []
        tried = list(dict.fromkeys(self.pairing.hints(world, record, self.shadow.state, target)))
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

    def _follow(self, path: Path, target: Part, reasons: Reasons) -> bool:
        """Take a path if it leads to the target; otherwise leave the shadow where it was and note why not."""
        start = self.shadow.state
        states = []
        for taken, step in enumerate(path):
            try:
                self.shadow.state = self.shadow.after(step)
                states.append(self.shadow.state)
            except Disabled as stop:
                reasons.append((len(path) - taken, show_step(step), (false_guard(stop),)))
                self.shadow.state = start
                return False
        wrong = self.pairing.differences(self.shadow.state, target)
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

    def _search(self, target: Part) -> Path | None:
        """One or two steps of the spec, any enabled ones, that lead to the target."""
        stepper, start = self.shadow.stepper, self.shadow.state
        first = []
        for place, args, new in stepper.successors(start):
            step = (stepper.spec.actions[place].name, args)
            if not self.pairing.differences(new, target):
                return (step,)
            first.append((step, new))
        for step, middle in first:
            for place, args, new in stepper.successors(middle):
                if not self.pairing.differences(new, target):
                    return (step, (stepper.spec.actions[place].name, args))
        return None

    def _diverge(self, record: StepRecord, reasons: Reasons, target: Part) -> None:
        stepper, start = self.shadow.stepper, self.shadow.state
        for place, args, new in stepper.successors(start):
            wrong = self.pairing.differences(new, target)
            reasons.append((len(wrong), show_step((stepper.spec.actions[place].name, args)), tuple(wrong[:3])))
        # The hinted action first, if a guard stopped it: that is what the author of the implementation meant to do.
        guarded = [r for r in reasons if r[2][0].startswith("guard")]
        _, nearest, because = guarded[0] if guarded else min(reasons, key=lambda r: r[0])
        self.diverged = Divergence(record.index, describe_step(record), nearest, because)

    def _check_sent(self, world: World, record: StepRecord) -> None:
        """Every request that the implementation sent is one that the spec has sent."""
        because = self.pairing.unsent(world, record, self.shadow.state)
        if because is not None:
            self.diverged = Divergence(record.index, describe_step(record), "(a message)", (because,))
