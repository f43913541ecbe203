"""Everything that is watched while the implementation runs, in one observer: properties, conformance, incidents, and at the end the
clients' history. What it finds first is a `Finding`; the run up to there is a trace."""

from collections.abc import Sequence

from attrs import frozen

from impl.world.record import StepRecord
from impl.world.world import World
from model.language import Property, Spec
from properties.linearizability import LinearizabilityVerdict, explain
from traces.clients import judge
from traces.conformance import Conformance
from traces.monitor import PropertyMonitor
from traces.pairings import lockstep_of
from traces.record import Recorder
from traces.trace import Trace

CONFORMANCE = "every_step_is_one_of_the_spec"
INCIDENT = "no_node_dies_of_a_fatal_error"
HISTORY = "the_clients_history_is_linearizable"


@frozen
class Finding:
    """What a run of the implementation showed first: the broken property, its kind (`traces.trace`), and why, in one line.

    `step` counts the world's steps from 0.
    """

    step: int
    name: str
    kind: str
    because: str

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}) is violated: {self.because}"


class Watch:
    """An observer of a world of `nodes` servers, with the properties of `spec`. `finding` is None while all is well; then it rests.

    The world must be one that can be paired with the spec (`Lockstep.prepare`).

    Where one step breaks several things, a property is told before a divergence, and a divergence before an incident.
    """

    def __init__(self, spec: Spec, nodes: int, properties: Sequence[Property] | None = None) -> None:
        lockstep = lockstep_of(spec)
        pairing = lockstep.pair(nodes)
        self.conformance = Conformance(spec, nodes, pairing)
        chosen = tuple(spec.properties if properties is None else properties)
        self.monitor = PropertyMonitor(spec, nodes, chosen, lockstep.lens(pairing))
        self.recorder = Recorder(self.conformance)
        self.finding: Finding | None = None
        self._kinds = {p.name: p.kind for p in self.monitor.always + self.monitor.steps}

    def __call__(self, world: World, record: StepRecord) -> None:
        """Watch one step of the world."""
        if self.finding is not None:
            return
        self.conformance(world, record)
        self.recorder(world, record)
        self.monitor(world, record)
        broken, diverged, incident = self.monitor.broken, self.conformance.diverged, record.incident
        if broken is not None:
            self.finding = Finding(record.index, broken.name, self._kinds[broken.name], str(broken))
        elif diverged is not None:
            self.finding = Finding(record.index, CONFORMANCE, "conformance", str(diverged))
        elif incident is not None:
            because = f"step {record.index}: node {incident.node} died: {incident.message}"
            self.finding = Finding(record.index, INCIDENT, "incident", because)

    def judge(self, world: World) -> LinearizabilityVerdict | None:
        """Check the clients' history, at the end of a run; None if there is none. One that is not linearizable becomes the finding."""
        if self.finding is not None or not world.history:
            return None
        verdict = judge(world.history)
        if verdict.verdict == "not linearizable":
            self.finding = Finding(world.steps, HISTORY, "history", " ".join(explain(verdict).split()))
        return verdict

    def trace(self, *, engine: str, seed: int | None = None) -> Trace:
        """The run up to what was found (or so far), as a trace.

        A property that breaks in a step which is none of the spec can only be shown by the implementation: its trace is about
        conformance.
        """
        finding = self.finding
        name, kind = (None, None) if finding is None else (finding.name, finding.kind)
        if self.conformance.diverged is not None:
            name, kind = CONFORMANCE, "conformance"
        return self.recorder.trace(property=name, kind=kind, engine=engine, seed=seed)
