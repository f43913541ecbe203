"""The spec as a monitor of simulated ensembles: plugged into `traces.ensemble.watch.EnsembleWatch`, beside Zab's promises."""

from collections.abc import Sequence

from impl.world.record import StepRecord
from impl.world.world import World
from model.language import Property, Spec
from properties.registry import find_spec
from traces.monitor import BrokenProperty
from traces.pairings import LOCKSTEPS
from traces.watch import CONFORMANCE, Watch

SPEC = "zab-ensemble"


def spec_of(bug: str | None) -> Spec:
    """The spec that an ensemble with this bug (the implementation's id) is held against: with the bug, if it has it too."""
    spec = find_spec(SPEC)
    names = {theirs: ours for ours, theirs in LOCKSTEPS[SPEC].bugs.items() if ours in spec.bugs}
    return spec if bug not in names else spec.with_bug(names[bug])


class SpecMonitor:
    """Conformance with `zab-ensemble` and its properties, as one observer that says what broke first; then it rests.

    The world's machine must be a journal. A divergence is told as the property CONFORMANCE. `properties`: fewer than all; they cost about
    2 ms of CPU a step, conformance alone 0.3.
    """

    def __init__(self, nodes: int, bug: str | None = None, properties: Sequence[Property] | None = None) -> None:
        self.watch = Watch(spec_of(bug), nodes, properties)

    @property
    def broken(self) -> BrokenProperty | None:
        """The first property that is false, or None."""
        finding = self.watch.finding
        if finding is None or finding.kind == "incident":
            return None
        if finding.name == CONFORMANCE:
            return BrokenProperty(finding.step, finding.because, CONFORMANCE)
        return self.watch.monitor.broken

    def __call__(self, world: World, record: StepRecord) -> None:
        """Watch one step of the world."""
        self.watch(world, record)
