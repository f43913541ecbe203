"""KRaft's state machine: properties, conformance with the spec, fatal errors, and at the end the clients' history."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from hypothesis import currently_in_test_context, event

from impl.effects import SetTimer
from impl.world.config import WorldConfig
from impl.world.run import replay
from impl.world.timers import nominal_span
from impl.world.world import World
from model.language import Property, Spec
from properties.registry import find_spec
from traces.clients import judge
from traces.format import dump
from traces.machine import TOPICS, WorldMachine
from traces.watch import Finding, Watch


def unequal_span(address: int, timer: SetTimer) -> int:
    """A timer's nominal time, and 200 ms more per node if it is one that nodes draw, so that not all stand for election at once."""
    return nominal_span(address, timer) + (200_000 * address if timer.spread else 0)


class KRaftMachine(WorldMachine):
    """See `WorldMachine`. `spec` is what the implementation is held against (None: the spec `kraft` with the same bug); `properties`
    those to check (None: the spec's).

    After every step of the world the properties hold, the step is one of the spec, and no node has died of a fatal error; at the end
    faults stop, the world runs on, every client reads every topic, and the clients' history is linearizable.
    """

    spec: ClassVar[Spec | None] = None
    properties: ClassVar[Sequence[Property] | None] = None

    def new_world(self) -> World:
        """See `WorldMachine`."""
        spec = self.spec
        if spec is None:
            spec = find_spec("kraft") if self.bug is None else find_spec("kraft").with_bug(self.bug)
        self.watch = Watch(spec, self.nodes, self.properties)
        config = WorldConfig(nodes=self.nodes, clients=self.clients, bug=self.bug, budget=self.budget)
        return World(config, span=unequal_span, observers=[self.watch])

    @property
    def finding(self) -> Finding | None:
        """See `WorldMachine`."""
        return self.watch.finding

    def teardown(self) -> None:
        """Faults stop, the world runs on, every client reads every topic; then the clients' history is judged.

        Nothing watches these steps, which makes them cheap, and keeps what the rules find as short as the rules. If a node has died or
        the history is wrong, they happen again, watched, so that it is told what broke first.
        """
        if self.watch.finding is not None:
            return  # the failure is on its way out already
        world, quiet = self.world, []
        world.observers = ()
        unread = {client: list(TOPICS) for client in world.client_addresses}
        for choice in self.quiet_period(unread):
            quiet.append(choice)
            world.apply(choice)
        history = judge(world.history).verdict if world.history else "empty"
        if currently_in_test_context():  # not if a machine is led by hand
            event(f"clients: {'still waiting' if any(unread.values()) else 'answered'}")
            event(f"history: {history}")
        if world.incidents or history == "not linearizable":
            replay(world.config, [*self.watch.recorder.choices, *quiet], observers=[self._watch_again()])
            self.watch.judge(world)
            self.nothing_is_broken()

    def _watch_again(self) -> Watch:
        self.watch = Watch(self.watch.conformance.shadow.spec, self.nodes, self.properties)
        return self.watch

    def save(self, finding: Finding) -> tuple[Path, int]:
        """See `WorldMachine`."""
        trace = self.watch.trace(engine="hypothesis")
        parts = (trace.spec.name, trace.spec.bug, "hypothesis", finding.name)
        path = self.out / ("-".join(part for part in parts if part) + ".itf.json")
        dump(trace, path)
        return path, len(self.watch.recorder.choices)
