"""The simulator: one seed gives one run, byte for byte.

It draws delays, faults and operations, and drives a `World` by choices.

Messages arrive after sampled delays and timers fire at their deadlines, by each node's own clock. After the given
number of steps comes a quiet period: faults end, links heal, every node runs, and the clients finish and read every key
once.
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import TypeAlias, assert_never

from attrs import evolve, frozen

from impl.effects import SetTimer
from impl.operations import Operation
from impl.world.choices import (
    Choice,
    ClientOp,
    Crash,
    CrashDuring,
    Cut,
    Deliver,
    Drop,
    Fire,
    Heal,
    Redeliver,
    Restart,
    Resume,
)
from impl.world.config import WorldConfig
from impl.world.draws import Draws
from impl.world.faults import FaultPlan
from impl.world.host import DOWN, PAUSED
from impl.world.misfortunes import Begin, Later, Misfortunes
from impl.world.record import StepRecord
from impl.world.run import Run
from impl.world.workload import OperationSource, Workload
from impl.world.world import Observer, World


@frozen
class SimulationConfig:
    """What to simulate: the cluster, its workload, the faults, and for how many steps (without the quiet period).

    `quiet_steps` bounds the quiet period; a run that does not finish within it says so. It lasts at least `quiet_time` (µs).
    """

    world: WorldConfig = WorldConfig(clients=3)
    workload: Workload = Workload()
    faults: FaultPlan = FaultPlan()
    steps: int = 2_000
    quiet_steps: int = 4_000
    quiet_time: int = 0


# ------------------------------------------------------------------------------------------------------- what is on the agenda


@frozen
class _Arrival:
    """A message arrives; `copy`: a duplicate of it."""

    message_id: int
    copy: bool = False


@frozen
class _Loss:
    message_id: int


@frozen
class _Think:
    """A client has thought for long enough."""

    client: int


_Item: TypeAlias = _Arrival | _Loss | Begin | _Think | Later


class Simulator:
    """One run in progress. `world` is the world; `steps()` yields a record per step; `run()` goes to the end."""

    def __init__(
        self, seed: int, config: SimulationConfig | None = None, *, observers: Sequence[Observer] = ()
    ) -> None:
        self.seed = seed
        self.config = config or SimulationConfig()
        self._plan = self.config.faults
        self._draws = Draws(seed)
        nodes = self.config.world.nodes
        drift = self._plan.drift
        self._rates = {node: 1.0 + drift * (2.0 * self._draws.fraction() - 1.0) for node in range(1, nodes + 1)}
        self.world = World(self.config.world, span=self._span, observers=observers)
        self._agenda: list[tuple[int, int, _Item]] = []
        self._serial = 0
        self._source = OperationSource(self.config.workload, self._draws)
        self._learnt = 0
        hosts = (*self.world.voters, *self.world.processes)
        self._held: dict[int, list[_Arrival]] = {host: [] for host in hosts}
        self._thinking: dict[int, None] = {}
        self._misfortunes = Misfortunes(self._plan, self._draws, self.world, self._post)
        self._quiet = False
        self._quiet_until = 0
        self._final_reads: dict[int, list[str]] = {}
        self.counts = self._misfortunes.counts
        self.counts.update(dict.fromkeys(self.world.network.faults, 0))
        self._tally = self.world.system.tally()
        self._choices: list[Choice] = []
        for client in self.world.client_addresses:
            self._think(client)
        self._misfortunes.schedule()
        self._post_sent(range(len(self.world.sent)))

    def run(self) -> Run:
        """Run to the end of the quiet period."""
        for _ in self.steps():
            pass
        world = self.world
        return Run.of(
            seed=self.seed,
            world=world,
            choices=tuple(self._choices),
            faults=dict(self.counts),
            tally=self._tally,
            finished=self._is_finished(),
        )

    def steps(self) -> Iterator[StepRecord]:
        """One record per step, to the end of the quiet period."""
        while self.world.steps < self.config.steps:
            record = self._next()
            if record is not None:
                yield record
        yield from self._calm_down()
        last = self.world.steps + self.config.quiet_steps
        while self.world.steps < last and not self._is_finished():
            record = self._next()
            if record is not None:
                yield record

    # ------------------------------------------------------------------------------------------------------------- the agenda

    def _next(self) -> StepRecord | None:
        """The next thing on the agenda, or the next timer, whichever is earlier; None when it comes to nothing."""
        world = self.world
        due = world.next_due()
        if due is not None and (not self._agenda or due.deadline <= self._agenda[0][0]):
            return self._apply(Fire(due.address, due.timer, at=max(due.deadline, world.now)))
        time, _, item = heapq.heappop(self._agenda)
        choice = self._choice_for(item, max(time, world.now))
        return None if choice is None else self._apply(choice)

    def _choice_for(self, item: _Item, at: int) -> Choice | None:
        world = self.world
        match item:
            case _Arrival():
                return self._arrive(item, at)
            case _Loss(message_id):
                return Drop(message_id, at=at) if world.network.is_in_flight(message_id) else None
            case Begin(fault):
                return None if self._quiet else self._misfortunes.begin(fault, at)
            case _Think(client):
                self._thinking.pop(client, None)
                operation = self._operation_for(client)
                if (
                    operation is None
                    and client in self.world.processes
                    and (not self._quiet or self._final_reads[client])
                ):
                    self._think(client, at)  # its process is paused, or its session not connected
                return None if operation is None else ClientOp(client, operation, at=at)
            case Restart(node):
                return Restart(node, at=at) if world.status(node) == DOWN else None
            case Resume(node):
                return Resume(node, at=at) if world.status(node) == PAUSED else None
            case Cut(src, dst):
                return None if self._quiet or world.network.is_cut(src, dst) else Cut(src, dst, at=at)
            case Heal(src, dst):
                return Heal(src, dst, at=at) if world.network.is_cut(src, dst) else None
            case _:
                assert_never(item)

    def _post(self, time: int, item: _Item) -> None:
        self._serial += 1
        heapq.heappush(self._agenda, (time, self._serial, item))

    def _apply(self, choice: Choice) -> StepRecord:
        world = self.world
        choice = self._misfortunes.strike(choice)
        record = world.apply(choice)
        self._choices.append(choice)
        self._tally.add(record.node, record.effects)
        self._post_sent(record.sent)
        if record.incident is not None or isinstance(choice, Crash | CrashDuring):
            self._misfortunes.died(record.node)
        elif isinstance(choice, Resume):
            held, self._held[choice.node] = self._held[choice.node], []
            for arrival in held:
                self._post(world.now + self._draws.below(self._plan.delay_max + 1), arrival)
        self._after_client_events()
        return record

    # ------------------------------------------------------------------------------------------------------------ the network

    def _post_sent(self, message_ids: Sequence[int]) -> None:
        """Draw the fate of each message that was just sent (a link that is cut has decided already)."""
        world, plan, draws = self.world, self._plan, self._draws
        for message_id in message_ids:
            if not world.network.is_in_flight(message_id):
                continue
            delay = draws.between(plan.delay_min, plan.delay_max)
            if not self._quiet:
                stream = world.network.is_stream(message_id)
                loss = ("reset", plan.reset, plan.resets) if stream else ("loss", plan.loss, plan.losses)
                if self._draw(*loss):
                    self._post(world.now + delay, _Loss(message_id))
                    continue
                if world.may_duplicate(message_id) and self._draw("duplication", plan.duplication, plan.duplicates):
                    later = delay + draws.between(0, plan.reordering_delay)
                    self._post(world.now + later, _Arrival(message_id, copy=True))
                if self._draw("reordering", plan.reordering, None):
                    delay += draws.between(0, plan.reordering_delay)
            self._post(world.now + delay, _Arrival(message_id))

    def _draw(self, fault: str, probability: float, bound: int | None) -> bool:
        if probability <= 0.0 or (bound is not None and self.counts[fault] >= bound):
            return False
        hit = self._draws.chance(probability)
        self.counts[fault] += hit
        return hit

    def _arrive(self, arrival: _Arrival, at: int) -> Choice | None:
        """A message arrives: it is handled, waits for a paused node, or is lost at one that is down."""
        world = self.world
        message_id = arrival.message_id
        if not arrival.copy and not world.network.is_in_flight(message_id):
            return None  # lost with its connection, or displaced by a newer one
        if not arrival.copy and not world.network.is_deliverable(message_id):
            self._post(at + self._plan.delay_max, arrival)  # TCP sends it again
            return None
        dst = world.sent[message_id].dst
        if world.is_reachable(dst):
            return Redeliver(arrival.message_id, at=at) if arrival.copy else Deliver(arrival.message_id, at=at)
        if world.status(dst) == PAUSED:
            self._held[dst].append(arrival)
            return None
        return None if arrival.copy else Drop(arrival.message_id, at=at)

    # ---------------------------------------------------------------------------------------------------------- the quiet period

    def _calm_down(self) -> Iterator[StepRecord]:
        """The quiet period begins: links heal, every node runs; each client will read every key once more."""
        world = self.world
        self._quiet = True
        self._misfortunes.spare_all()
        self._quiet_until = world.now + self.config.quiet_time
        for src, dst in world.network.cuts():
            yield self._apply(Heal(src, dst))
        for node in (*world.voters, *world.processes):
            if world.status(node) == PAUSED:
                yield self._apply(Resume(node))
            elif world.status(node) == DOWN:
                yield self._apply(Restart(node))
        self._final_reads = {client: list(self.config.workload.topics) for client in world.client_addresses}
        for client in world.client_addresses:
            if world.is_idle(client):
                self._think(client)

    def _is_finished(self) -> bool:
        if self.world.now < self._quiet_until:
            return False
        return self._quiet and not any(self._final_reads.values()) and all(map(self.world.is_idle, self._final_reads))

    # ------------------------------------------------------------------------------------------------------------- the clients

    def _think(self, client: int, at: int | None = None) -> None:
        if client in self.world.processes:
            if client in self._thinking:
                return
            self._thinking[client] = None
        workload = self.config.workload
        now = self.world.now if at is None else at
        self._post(now + self._draws.between(workload.think_min, workload.think_max), _Think(client))

    def _operation_for(self, client: int) -> Operation | None:
        if not self.world.is_idle(client):
            return None
        if not self._quiet:
            return self._source.draw()
        keys = self._final_reads.get(client)
        return Operation("read", keys.pop(0)) if keys else None

    def _after_client_events(self) -> None:
        """Clients whose operation has just ended begin to think."""
        world = self.world
        for event in world.history[self._learnt :]:
            self._source.learn(event)
            if event.type != "invoke":
                self._think(world.client_addresses[event.process % len(world.client_addresses)])
        self._learnt = len(world.history)

    def _span(self, address: int, timer: SetTimer) -> int:
        """How long a timer takes by this node's clock. A timer that is due at once is not late."""
        if timer.duration == 0 and timer.spread == 0:
            return 0
        nominal = timer.duration + (self._draws.below(timer.spread) if timer.spread else 0)
        return int(nominal * self._rates.get(address, 1.0)) + self._draws.below(self._plan.jitter + 1)


def with_bug(config: SimulationConfig, bug: str | None) -> SimulationConfig:
    """The same simulation of a cluster with a bug, by its id."""
    return evolve(config, world=evolve(config.world, bug=bug))
