"""The ensemble's state machine: Zab's promises, fatal errors, and at the end what the clients saw."""

from pathlib import Path
from typing import ClassVar

from attrs import evolve
from hypothesis import currently_in_test_context, event

from impl.world.choices import Choice
from impl.world.config import FaultBudget, WorldConfig
from impl.world.run import replay
from impl.world.world import World
from impl.zookeeper.service import Service
from impl.zookeeper.state import Settings
from properties.witnessed_histories import check
from traces.ensemble.histories import answered
from traces.ensemble.recording_file import MODE, dump_recording
from traces.ensemble.watch import EnsembleWatch
from traces.machine import TOPICS, WorldMachine
from traces.watch import Finding
from traces.zookeeper.journal import Journal


class EnsembleMachine(WorldMachine):
    """See `WorldMachine`. `settings` are those of the servers, without their state machine; `only` the promises looked at (None: all).

    After every step of the world Zab's promises hold; at the end faults stop, the world runs on, every client reads every topic, and
    the clients' history is consistent. With `fresh` it must be more than ZooKeeper promises: no plain read may be stale.
    """

    budget: ClassVar[FaultBudget] = FaultBudget(drops=4, crashes=3, pauses=2, cuts=4, client_ops=8)
    functions: ClassVar[tuple[str, ...]] = ("create_topic", "set_config", "read", "sync_read", "update", "delete_topic")
    settings: ClassVar[Settings] = Settings()
    only: ClassVar[tuple[str, ...] | None] = None
    fresh: ClassVar[bool] = False

    def new_world(self) -> World:
        """See `WorldMachine`."""
        ensemble = evolve(self.settings, machine=Journal(Service()))
        self.watch = EnsembleWatch(ensemble.machine, only=self.only)
        config = WorldConfig(
            nodes=self.nodes, clients=self.clients, bug=self.bug, budget=self.budget, mode=MODE, ensemble=ensemble
        )
        return World(config, observers=[self.watch])

    @property
    def finding(self) -> Finding | None:
        """See `WorldMachine`."""
        return self.watch.finding

    def act(self, choice: Choice) -> None:
        """See `WorldMachine`; where reads have to be fresh, each answer is looked at when it comes."""
        answers = len(self.world.history)
        super().act(choice)
        if self.fresh and len(self.world.history) > answers and self.world.history[-1].type == "ok":
            self.watch.require_fresh(self.world)
            self.nothing_is_broken()

    def teardown(self) -> None:
        """Faults stop, the world runs on, every client reads every topic; then the clients' history is judged.

        Promises are not watched in these steps, which keeps what the rules find as short as the rules. If a server has died or the history
        is wrong, they happen again, watched, so that it is told what broke first.
        """
        if self.finding is not None:
            return  # the failure is on its way out already
        world, quiet, syncs = self.world, [], self.watch.syncs
        world.observers = (syncs,)
        unread = {client: list(TOPICS) for client in world.client_addresses}
        for choice in self.quiet_period(unread):
            quiet.append(choice)
            world.apply(choice)
        verdict = check(answered(world.history, syncs.deposed))
        if currently_in_test_context():  # not if a machine is led by hand
            event(f"clients: {'still waiting' if any(unread.values()) else 'answered'}")
            event(f"epochs: {len(self.watch.promises.epochs)}, answers: {sum(verdict.counts.values()) // 4 * 4}")
        if world.incidents or verdict.violations:
            made = self.watch.recorder.choices
            self.watch = EnsembleWatch(world.config.ensemble.machine, only=self.only)
            self.watch.judge(replay(world.config, [*made, *quiet], observers=[self.watch]))
            self.nothing_is_broken()

    def save(self, finding: Finding) -> tuple[Path, int]:
        """See `WorldMachine`."""
        recording = self.watch.recording(self.world, engine="hypothesis")
        parts = (MODE, self.bug, "hypothesis", finding.name)
        path = self.out / ("-".join(part for part in parts if part) + ".itf.json")
        dump_recording(recording, path)
        return path, len(recording.choices)
