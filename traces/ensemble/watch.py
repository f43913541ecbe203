"""Everything that is watched while an ensemble runs, in one observer: Zab's promises, what else is plugged in, fatal errors, and at the
end what its clients saw. What it finds first is a `Finding`; the run up to there is a recording."""

from collections.abc import Collection, Sequence
from typing import Protocol

from impl.world.record import StepRecord
from impl.world.world import World
from properties.witnessed_histories import StaleRead, WitnessedVerdict, check
from traces.ensemble.histories import Syncs, answered
from traces.ensemble.promises import INCIDENT, Broken, Promises
from traces.ensemble.recording import Recorder, Recording
from traces.monitor import BrokenProperty
from traces.watch import Finding
from traces.zookeeper.journal import Journal

HISTORY = "the_clients_history_is_consistent"
"""Writes and sync-reads linearizable, plain reads sequential: everything in `properties.witnessed_histories.CHECKS`."""

FRESH = "plain_reads_are_linearizable"
"""What ZooKeeper does not promise: that a plain read is as new as what was answered before it was asked."""


class Monitor(Protocol):
    """What else can be plugged in: an observer that says which property broke first."""

    @property
    def broken(self) -> BrokenProperty | None:
        """The property that broke first, or None."""

    def __call__(self, world: World, record: StepRecord) -> None:
        """Watch one step of the world."""


class EnsembleWatch:
    """An observer of a world in mode zookeeper whose state machine is a journal. `finding` is None while all is well; then it rests.

    `only`: the promises that are looked at, by name (None: all); where a bug breaks several, this tells which is wanted.
    """

    def __init__(
        self, world_machine: object, monitors: Sequence[Monitor] = (), *, only: Collection[str] | None = None
    ) -> None:
        if not isinstance(world_machine, Journal):
            raise TypeError(f"the state machine of an ensemble that is watched is a Journal, not {world_machine!r}")
        self.promises = Promises()
        self.syncs = Syncs()
        self.recorder = Recorder()
        self.monitors = tuple(monitors)
        self._only = only
        self._passed = 0
        self.finding: Finding | None = None

    def __call__(self, world: World, record: StepRecord) -> None:
        """Watch one step of the world."""
        if self.finding is not None:
            return
        self.recorder(world, record)
        self.syncs(world, record)
        self.promises(world, record)
        for monitor in self.monitors:
            monitor(world, record)
        broken = self._broken_promise()
        if broken is not None:
            kind = "incident" if broken.name == INCIDENT else "always"
            self.finding = Finding(record.index, broken.name, kind, str(broken))
            return
        found = next((monitor.broken for monitor in self.monitors if monitor.broken is not None), None)
        if found is not None:
            self.finding = Finding(record.index, found.name, "always", str(found))

    def _broken_promise(self) -> Broken | None:
        """The first promise among those looked at that this step has broken."""
        new = self.promises.findings[self._passed :]
        self._passed += len(new)
        return next((broken for broken in new if self._only is None or broken.name in self._only), None)

    def judge(self, world: World) -> WitnessedVerdict | None:
        """Check the clients' history, at the end of a run; None if there is none. One that is inconsistent becomes the finding."""
        if self.finding is not None or not world.history:
            return None
        verdict = check(answered(world.history, self.syncs.deposed))
        if verdict.violations:
            self.finding = Finding(world.steps, HISTORY, "history", str(verdict.violations[0]))
        return verdict

    def require_fresh(self, world: World) -> StaleRead | None:
        """Look for a plain read that is stale, which ZooKeeper allows; the first one becomes the finding."""
        stale = check(answered(world.history, self.syncs.deposed)).stale
        if not stale or self.finding is not None:
            return None
        because = f"{stale[0].operation} is stale by {stale[0].age / 1e6:.3f} ms"
        self.finding = Finding(world.steps, FRESH, "history", because)
        return stale[0]

    def recording(self, world: World, *, engine: str, seed: int | None = None) -> Recording:
        """The run up to what was found. Raises RuntimeError if nothing was."""
        if self.finding is None:
            raise RuntimeError("nothing was found, so there is nothing to show")
        finding = self.finding
        return Recording(
            config=world.config,
            property=finding.name,
            kind=finding.kind,
            because=finding.because,
            engine=engine,
            seed=seed,
            choices=tuple(self.recorder.choices),
            rows=tuple(self.recorder.rows),
        )
