"""Replaying a trace on the implementation: by the world's choices if the trace has them, else by driving the spec's actions.

The property is judged on the implementation's own states, through the abstraction (`monitor.py`), not on those of the trace.
"""

from abc import ABC, abstractmethod

from impl.world.choices import ChoiceError, choice_from_json
from impl.world.world import Observer, World
from model.engines.verdict import HOLDS, VIOLATED
from properties.linearizability import explain
from traces.clients import judge
from traces.conformance import Conformance
from traces.driving import CannotDrive
from traces.errors import TraceError
from traces.monitor import PropertyMonitor
from traces.pairing import Pairing
from traces.pairings import LOCKSTEPS
from traces.record import config_of
from traces.replay import DIVERGED, Divergence, Replay
from traces.steps import Step
from traces.trace import Trace, TraceState

SIDE = "impl"


def replay_on_implementation(trace: Trace, *, strict: bool = True) -> Replay:
    """Replay a trace in a world with the trace's bug.

    Strict: every step must be possible, and the nodes must be as the trace has them. Tolerant: a step that is not possible is
    skipped with a warning, and states may differ. TraceError for a spec that has no implementation.
    """
    if trace.spec.name not in LOCKSTEPS:
        raise TraceError("#meta.lockstep.spec", f"{trace.spec.name} has no implementation", "replay it on the spec")
    bugs = LOCKSTEPS[trace.spec.name].bugs
    bug = trace.spec.bug
    if bug is not None and bug not in bugs:
        raise TraceError("#meta.lockstep.bug", f"the implementation has no bug {bug}", f"it has {', '.join(bugs)}")
    has_choices = any(state.choices for state in trace.states)
    return (_ByChoices(trace, strict) if has_choices else _ByDriving(trace, strict)).run()


class _OnImplementation(ABC):
    """One replay: the world, the monitor of the trace's property, and what differs first."""

    def __init__(self, trace: Trace, strict: bool, pairing: Pairing, *, led: bool) -> None:
        """`led`: the first step leads a new world to where the spec begins; what happens on the way is not judged."""
        self.trace, self.strict, self.pairing, self.led = trace, strict, pairing, led
        self.warnings: list[str] = []
        self.first: Divergence | None = None
        self.taken = 0
        self.last = len(trace.states) - 1
        wanted = tuple(p for p in trace.spec.properties if p.name == trace.property)
        self.lockstep, nodes = LOCKSTEPS[trace.spec.name], trace.bounds["nodes"]
        self.monitor = PropertyMonitor(trace.spec, nodes, wanted, self.lockstep.lens(pairing))
        self.conformance = Conformance(trace.spec, nodes) if trace.kind == "conformance" else None
        self.observers: list[Observer] = [self.monitor]
        if self.conformance is not None:
            self.observers.append(self.conformance)

    @abstractmethod
    def take(self, index: int, state: TraceState) -> str | None:
        """Make step `index` happen; what kept it from happening, or None."""

    @abstractmethod
    def differs(self, index: int, state: TraceState) -> list[str]:
        """Where the world's nodes are not those of the trace."""

    def run(self) -> Replay:
        """Take the steps until one is impossible, differs, or breaks the property."""
        for index in range(1, self.last + 1):
            state = self.trace.states[index]
            self.monitor.watches = not (self.led and index == 1)
            problem = state.problem or self.take(index, state)
            if problem:
                self.first = self.first or Divergence(index, f"the implementation cannot do this: {problem}")
                if self.strict:
                    return self._outcome(DIVERGED, str(self.first))
                self.warnings.append(f"step {index} skipped: {problem}")
                continue
            self.taken += 1
            if self._shown(index):
                return self._outcome(HOLDS if self.trace.kind == "sometimes" else VIOLATED, self._what(index), at=index)
            wrong = self.differs(index, state) if state.state is not None else []
            if wrong:
                self.first = self.first or Divergence(
                    index, f"the nodes are not those of the trace: {'; '.join(wrong[:3])}"
                )
                if self.strict:
                    return self._outcome(DIVERGED, str(self.first))
        if self.trace.kind == "history":
            return self._judged()
        if self.trace.kind == "sometimes":
            return self._outcome(DIVERGED, f"no step reaches {self.trace.property}")
        return self._outcome(HOLDS, f"{self.taken} of {self.last} steps, and nothing is violated")

    @abstractmethod
    def world(self) -> World:
        """The world of this replay."""

    def _shown(self, index: int) -> bool:
        """Whether what the trace is kept for has happened."""
        if self.trace.kind == "conformance":
            return self.conformance is not None and self.conformance.diverged is not None
        if self.trace.kind == "incident":
            return bool(self.world().incidents)
        return self.monitor.broken is not None or self.trace.property in self.monitor.reached

    def _what(self, index: int) -> str:
        if self.conformance is not None and self.conformance.diverged is not None:
            return str(self.conformance.diverged)
        if self.world().incidents:
            return self.world().incidents[-1].message
        verb = "reached" if self.trace.kind == "sometimes" else "violated"
        return f"{self.trace.property} is {verb} at step {index}"

    def _judged(self) -> Replay:
        """The verdict on the clients' history, at the end of the run that made it."""
        judged = judge(self.world().history)
        if judged.verdict == "not linearizable":
            return self._outcome(VIOLATED, " ".join(explain(judged).split()), at=self.last)
        return self._outcome(HOLDS, f"the clients' history is {judged.verdict}")

    def _outcome(self, verdict: str, reason: str, at: int | None = None) -> Replay:
        return Replay(SIDE, self.taken, verdict, self.trace.property, at, reason, self.first, tuple(self.warnings))


class _ByDriving(_OnImplementation):
    """Each action of the spec is made to happen."""

    def __init__(self, trace: Trace, strict: bool) -> None:
        nodes = trace.bounds["nodes"]
        lockstep = LOCKSTEPS[trace.spec.name]
        super().__init__(trace, strict, lockstep.led(nodes), led=bool(lockstep.pair(nodes).start))
        config = self.lockstep.world(nodes, 1, trace.spec.bug)
        self.driver = self.lockstep.drive(config, self.pairing, self.observers)

    def world(self) -> World:
        return self.driver.world

    def take(self, index: int, state: TraceState) -> str | None:
        if state.action is None:
            return None
        ahead: list[Step] = [(s.action, s.args) for s in self.trace.states[index + 1 :] if s.action is not None]
        try:
            self.driver.take((state.action, state.args), ahead)
        except CannotDrive as error:
            return str(error)
        return None

    def differs(self, index: int, state: TraceState) -> list[str]:
        assert state.state is not None
        return self.driver.differences(state.state)


class _ByChoices(_OnImplementation):
    """The world's own choices, as the trace has them; a step of the spec may have none, and then nothing happens.

    A trace that leads a world from the spec's initial state has choices at its first step; one of a world that was left to itself
    has steps of the spec before them where the spec does not begin as a world does.
    """

    def __init__(self, trace: Trace, strict: bool) -> None:
        config = config_of(trace)  # also checks every choice
        lockstep, nodes = LOCKSTEPS[trace.spec.name], trace.bounds["nodes"]
        itself = lockstep.pair(nodes)
        led = bool(itself.start) and len(trace.states) > 1 and bool(trace.states[1].choices)
        super().__init__(trace, strict, lockstep.led(nodes) if led else itself, led=led)
        self.choices = [[choice_from_json(data) for data in state.choices or ()] for state in trace.states]
        self._world = World(config, observers=[self.pairing.meet, *self.observers])

    def world(self) -> World:
        return self._world

    def take(self, index: int, state: TraceState) -> str | None:
        try:
            for choice in self.choices[index]:
                self._world.apply(choice)
        except ChoiceError as error:
            return str(error)
        return None

    def differs(self, index: int, state: TraceState) -> list[str]:
        # Several steps of the spec may make up one step of the world: the states between them are the spec's alone.
        following = self.trace.states[index + 1] if index < self.last else None
        if following is not None and following.choices is not None and not following.choices:
            return []
        assert state.state is not None
        return self.pairing.differences(state.state, self.pairing.abstract(self._world))
