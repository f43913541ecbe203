"""Driving an ensemble along a path of the spec `zab-ensemble`: every action is made to happen, and the servers are compared.

| the spec's action        | the world's choices                                                                                  |
|--------------------------|------------------------------------------------------------------------------------------------------|
| begin                    | an election by the servers with smaller ids, the others join; one write, applied everywhere           |
| elect                    | the voters alone exchange votes; then the handshake, up to the ACKEPOCH that decides; it synchronises |
| join                     | a server asks, is told by the others who leads, connects, and takes LEADERINFO                       |
| sync_follower, sync_by_snapshot | its ACKEPOCH arrives (after elect it has)                                                     |
| queue_newleader          | nothing: NEWLEADER leaves with the synchronisation                                                   |
| take_in_sync             | DIFF, TRUNC or SNAP arrives, and what comes with it                                                  |
| handle_...               | the packet arrives                                                                                   |
| acknowledge_newleader    | nothing: it is one step with handle_newleader (V2: the acknowledgement is sent)                      |
| propose                  | a client's write arrives at the leader                                                               |
| flush                    | the sync thread runs; several in a row are one run                                                   |
| crash, crash_while_adopting | a crash, at the place of the step where it belongs, and a start                                   |
| lose_connection          | a packet is lost, so that the connection breaks, and the leader is told                              |
| leave, step_down         | the end is told, or its timer expires                                                                |

Commit threads run whenever they can. Where servers do at once what the spec does in steps, the choices stand at the first of these and
the servers are compared after the last; `grouped` brings such steps of a path together.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve

from impl.effects import ConnectionClosed
from impl.world.choices import Choice, ChoiceError, Crash, CrashDuring, Deliver, Fire, Restart
from impl.world.config import WorldConfig
from impl.world.world import Observer
from impl.zookeeper import messages as wire
from impl.zookeeper.bugs import rules_with
from impl.zookeeper.effects import CURRENT_EPOCH, AppendTxn, RenameFile, WriteSnapshot
from impl.zookeeper.orders import Do
from impl.zookeeper.peer import ACK_NEW_LEADER, INIT, READ, TICK
from impl.zookeeper.pipeline import SYNC
from impl.zookeeper.state import BROADCAST, Leading, Looking
from impl.zookeeper.transactions import counter_of
from traces.driving import CannotDrive, Mismatch
from traces.pairing import Pairing, Part
from traces.steps import Path, Step
from traces.zookeeper.journal import on_disk
from traces.zookeeper.lead import Ensemble

_HEADS = (wire.Diff, wire.Trunc, wire.Snap)
_SYNCS = ("sync_follower", "sync_by_snapshot")
_HISTORY = (Do.SNAPSHOT, Do.QUEUE_ALL, Do.LOG_ALL, Do.LOG_COMMITTED)


class EnsembleDriver:
    """Three servers or more, and one client, that are led along paths which begin with `begin`."""

    def __init__(self, config: WorldConfig, pairing: Pairing, observers: Sequence[Observer] = ()) -> None:
        self.pairing = pairing
        self.ensemble = Ensemble(evolve(config, clients=1), [self.pairing.meet, *observers])
        self.world = self.ensemble.world
        self._flushing = 0
        self._crashed: list[int] = []

    @property
    def choices(self) -> list[Choice]:
        """Those made so far."""
        return self.ensemble.choices

    def part(self) -> Part:
        """What the world stands for."""
        return self.pairing.abstract(self.world)

    def differences(self, frozen: tuple[Any, ...]) -> list[str]:
        """Where the world is not as a state of the spec has it."""
        return self.pairing.differences(frozen, self.part())

    def take(self, step: Step, ahead: Sequence[Step] = ()) -> list[Choice]:
        """Make one action happen; `ahead` are the steps of the path that follow. Returns the choices made.

        Raises CannotDrive if the world does not offer what the action needs.
        """
        name, args = step
        made = len(self.choices)
        try:
            _REALISE[name](self, args, ahead)
            self.ensemble.settle()
        except ChoiceError as error:
            raise CannotDrive(str(error)) from None
        return self.choices[made:]

    # ------------------------------------------------------------------------------------------------------------ elections

    def _begin(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        leader = args[0] + 1
        voters = [node for node in self.world.voters if node <= leader]
        if 2 * len(voters) <= len(self.world.voters):
            raise CannotDrive(f"server {leader} has no quorum of servers with smaller ids to elect it")
        self.ensemble.agree(leader, voters)
        self.ensemble.talk()
        for other in self.world.voters[leader:]:
            self.ensemble.find(other, leader)
            self.ensemble.talk()
        self.ensemble.write(leader)
        self.ensemble.talk()

    def _elect(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        leader, voters = args[0] + 1, [node + 1 for node in args[1]]
        self.ensemble.agree(leader, voters)
        learners = [voter for voter in voters if voter != leader]
        for learner in learners:
            self.ensemble.promise(learner, leader)
        for learner in learners:
            role = self.ensemble.role(leader)
            if not (isinstance(role, Leading) and role.election_finished):
                self.ensemble.deliver(learner, leader, lambda m: isinstance(m, wire.AckEpoch), "ACKEPOCH")

    def _join(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        learner, leader = args[0] + 1, args[1] + 1
        self.ensemble.find(learner, leader)
        self.ensemble.promise(learner, leader)

    # ------------------------------------------------------------------------------------------------------ synchronisation

    def _sync(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        leader, learner = args[0] + 1, args[1] + 1
        if self.ensemble.waiting(learner, leader, lambda m: isinstance(m, wire.AckEpoch)) is not None:
            self.ensemble.deliver(learner, leader, lambda m: isinstance(m, wire.AckEpoch), "ACKEPOCH")

    def _nothing(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        """It has happened with an earlier step."""

    def _take_in_sync(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        learner, leader = args[0] + 1, args[1] + 1
        self.ensemble.deliver(leader, learner, lambda m: isinstance(m, _HEADS), "synchronisation")
        rest = (wire.SnapshotStream, wire.Proposal, wire.Commit)
        while self.ensemble.waiting(leader, learner, lambda m: isinstance(m, rest)) is not None:
            self.ensemble.deliver(leader, learner, lambda m: isinstance(m, rest), "rest of the synchronisation")

    def _handle_newleader(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        learner, leader = args[0] + 1, args[1] + 1
        found = self.ensemble.waiting(leader, learner, lambda m: isinstance(m, wire.NewLeader))
        following = next((step for step in ahead if step[1] and step[1][0] == args[0]), None)
        if found is not None and following is not None and following[0] == "crash":
            self._crash_during(learner, Deliver(found), following[1][1], self._first_write(learner, Deliver(found)))
        else:
            self.ensemble.deliver(leader, learner, lambda m: isinstance(m, wire.NewLeader), "NEWLEADER")

    def _first_write(self, learner: int, choice: Deliver) -> int:
        """How many effects make up the first of the two durable writes on NEWLEADER, history and currentEpoch, in whichever order."""
        effects = self.world.preview(choice)
        epoch = next(i for i, effect in enumerate(effects) if effect == RenameFile(CURRENT_EPOCH))
        history = any(isinstance(effect, AppendTxn | WriteSnapshot) for effect in effects[:epoch])
        order = rules_with(self.world.config.bug).order.steps
        first = order.index(Do.EPOCH) < min((order.index(do) for do in order if do in _HISTORY), default=len(order))
        return epoch + 1 if first and not history else epoch - 1

    def _acknowledge_newleader(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        if ACK_NEW_LEADER in self.world.armed(args[0] + 1):
            self.ensemble.fire(args[0] + 1, ACK_NEW_LEADER)

    # -------------------------------------------------------------------------------------------------------------- packets

    def _from_leader(self, kind: type, what: str) -> Callable[[tuple[Any, ...]], None]:
        def deliver(args: tuple[Any, ...]) -> None:
            learner, leader = args[0] + 1, args[1] + 1
            while self.ensemble.waiting(leader, learner, lambda m: isinstance(m, wire.Ping)) is not None:
                self.ensemble.deliver(leader, learner, lambda m: isinstance(m, wire.Ping), "PING")
            self.ensemble.deliver(leader, learner, lambda m: isinstance(m, kind), what)

        return deliver

    def _handle_uptodate(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        self._from_leader(wire.UpToDate, "UPTODATE")(args)

    def _handle_proposal(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        self._from_leader(wire.Proposal, "PROPOSAL")(args)

    def _handle_commit(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        self._from_leader(wire.Commit, "COMMIT")(args)

    def _handle_ack(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        leader, learner = args[0] + 1, args[1] + 1

        def unseen(m: Any) -> bool:
            return isinstance(m, wire.Ping) or (isinstance(m, wire.Ack) and not counter_of(m.zxid))

        while self.ensemble.waiting(learner, leader, unseen) is not None:
            self.ensemble.deliver(learner, leader, unseen, "acknowledgement of UPTODATE")
        self.ensemble.deliver(learner, leader, lambda m: isinstance(m, wire.Ack), "ACK")

    def _handle_newleader_ack(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        leader, learner = args[0] + 1, args[1] + 1
        self.ensemble.deliver(learner, leader, lambda m: isinstance(m, wire.Ack), "ACK of NEWLEADER")

    def _propose(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        self.ensemble.write(args[0] + 1)

    def _flush(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        if self._flushing:
            self._flushing -= 1
            return
        node = args[0] + 1
        waiting = len(self.world.state(node).sync_queue)
        again = next((i for i, step in enumerate(ahead) if step != ("flush", args)), len(ahead))
        if again + 1 < waiting:
            raise CannotDrive(f"the sync thread of server {node} flushes {waiting} transactions at once")
        self.ensemble.fire(node, SYNC)
        self._flushing = waiting - 1

    # --------------------------------------------------------------------------------------------------------------- faults

    def _crash(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        node, kept = args[0] + 1, args[1]
        if node in self._crashed:
            self._crashed.remove(node)
        elif len(on_disk(self.world.disk(node).snapshots, self.world.disk(node).log)) < kept:
            self._crash_during(node, Fire(node, SYNC), kept)
            self._crashed.remove(node)
        else:
            self.ensemble.do(Crash(node, self._on_disk(node, kept, (), *self.world.kept_range(node))))
            self.ensemble.do(Restart(node))

    def _crash_during(self, node: int, choice: Deliver | Fire, kept: int, most_effects: int | None = None) -> None:
        """Crash as late in a step as the number of transactions on disk allows, and start again."""
        effects = self.world.preview(choice)[:most_effects]
        for after in range(len(effects), -1, -1):
            least, most = self.world.kept_range(node, effects[:after])
            for records in range(least, most + 1):
                if self._kept(node, effects[:after], records) == kept:
                    self.ensemble.do(CrashDuring(choice, after, records))
                    self.ensemble.do(Restart(node))
                    self._crashed.append(node)
                    return
        raise CannotDrive(f"no crash of server {node} in {choice} leaves {kept} transactions")

    def _kept(self, node: int, effects: Sequence[Any], records: int) -> int:
        disk = self.world.disk(node)
        for effect in effects:
            disk = disk.carry_out(effect)
        return len(on_disk(disk.snapshots, disk.log[:records]))

    def _on_disk(self, node: int, kept: int, effects: Sequence[Any], least: int, most: int) -> int:
        for records in range(least, most + 1):
            if self._kept(node, effects, records) == kept:
                return records
        raise CannotDrive(f"no crash of server {node} leaves {kept} transactions")

    def _crash_while_adopting(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        learner, leader, kept = args[0] + 1, args[1] + 1, args[2]
        found = self.ensemble.waiting(leader, learner, lambda m: isinstance(m, wire.NewLeader))
        if found is None:
            raise CannotDrive(f"no NEWLEADER can arrive at server {learner}")
        effects = self.world.preview(Deliver(found))
        appended = max(i for i, effect in enumerate(effects) if isinstance(effect, AppendTxn)) + 1
        records = self._on_disk(learner, kept, effects[:appended], *self.world.kept_range(learner, effects[:appended]))
        self.ensemble.do(CrashDuring(Deliver(found), appended, records))
        self.ensemble.do(Restart(learner))

    def _lose_connection(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        self.ensemble.break_connection(args[1] + 1, args[0] + 1)

    def _leave(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        learner, leader = args[0] + 1, args[1] + 1
        if self.ensemble.waiting(leader, learner, lambda m: isinstance(m, ConnectionClosed)) is not None:
            self.ensemble.deliver(leader, learner, lambda m: isinstance(m, ConnectionClosed), "end of the connection")
        if not isinstance(self.ensemble.role(learner), Looking):
            self.ensemble.fire(learner, READ)

    def _step_down(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        leader = args[0] + 1
        while isinstance(role := self.ensemble.role(leader), Leading):
            self.ensemble.fire(leader, TICK if role.phase == BROADCAST else INIT)


_REALISE: Mapping[str, Callable[[EnsembleDriver, tuple[Any, ...], Sequence[Step]], None]] = {
    "begin": EnsembleDriver._begin,
    "elect": EnsembleDriver._elect,
    "join": EnsembleDriver._join,
    "sync_follower": EnsembleDriver._sync,
    "sync_by_snapshot": EnsembleDriver._sync,
    "queue_newleader": EnsembleDriver._nothing,
    "take_in_sync": EnsembleDriver._take_in_sync,
    "handle_newleader": EnsembleDriver._handle_newleader,
    "acknowledge_newleader": EnsembleDriver._acknowledge_newleader,
    "handle_newleader_ack": EnsembleDriver._handle_newleader_ack,
    "handle_uptodate": EnsembleDriver._handle_uptodate,
    "propose": EnsembleDriver._propose,
    "handle_proposal": EnsembleDriver._handle_proposal,
    "flush": EnsembleDriver._flush,
    "handle_ack": EnsembleDriver._handle_ack,
    "handle_commit": EnsembleDriver._handle_commit,
    "crash": EnsembleDriver._crash,
    "crash_while_adopting": EnsembleDriver._crash_while_adopting,
    "lose_connection": EnsembleDriver._lose_connection,
    "leave": EnsembleDriver._leave,
    "step_down": EnsembleDriver._step_down,
}
"""How each action is made to happen."""


def grouped(path: Sequence[Step]) -> Path:
    """A path on which a learner acknowledges NEWLEADER as soon as it has handled it, unless it crashes in between: as servers do.

    Not those of order V2, whose logging thread may be faster.
    """
    steps = list(path)
    place = 0
    while place < len(steps):
        name, args = steps[place]
        if name == "handle_newleader":
            its_own = [i for i in range(place + 1, len(steps)) if _acts(steps[i], args[0])]
            following = steps[its_own[0]] if its_own else ("", ())
            if following[0] == "acknowledge_newleader":
                steps.pop(its_own[0])
            if following[0] != "crash":
                steps.insert(place + 1, ("acknowledge_newleader", args))
        place += 1
    return tuple(steps)


def _acts(step: Step, node: int) -> bool:
    """Whether a step is one of this learner that ends its handling of NEWLEADER; its logging thread does not."""
    name, args = step
    return name in ("acknowledge_newleader", "crash", "leave") and args[0] == node


def drive(
    driver: EnsembleDriver, path: Sequence[Step], states: Sequence[Any]
) -> tuple[list[list[Choice]], Mismatch | None]:
    """Lead an ensemble along a path: the choices of each step, and where it did not follow, if anywhere.

    The servers are compared with the state after a step unless the next step of the path has happened with it. The last state is not
    compared: a server that meets what must not happen goes on from there, and the spec does not.
    """
    made: list[list[Choice]] = []
    for number, step in enumerate(path, start=1):
        before = driver.differences(states[number - 2]) if number > 1 else []
        try:
            made.append(driver.take(step, path[number:]))
        except CannotDrive as error:
            return made, Mismatch(number, step[0], (str(error),))
        if made[-1] and before:
            return made, Mismatch(number - 1, path[number - 2][0], tuple(before[:3]))
    return made, None
