"""From a step of an ensemble to the steps of the spec that it is likely to be.

| the world did                                 | the spec's steps                                                               |
|-----------------------------------------------|--------------------------------------------------------------------------------|
| a quorum has acknowledged the epoch           | elect; leave for those that are gone; then what is sent to those that wait       |
| LEADERINFO of an established epoch arrives    | join                                                                           |
| DIFF, TRUNC or SNAP is sent                   | join if it has not, sync_follower or sync_by_snapshot, queue_newleader          |
| one of them arrives; the rest of it           | take_in_sync; nothing                                                          |
| NEWLEADER arrives                             | handle_newleader, acknowledge_newleader (V2: the second when it is sent)        |
| UPTODATE, PROPOSAL, COMMIT arrives            | its handler                                                                    |
| ACK arrives at the leader                     | handle_newleader_ack or handle_ack                                             |
| a client's write reaches the leader           | propose                                                                        |
| the sync thread has flushed k transactions    | flush, k times                                                                 |
| a connection breaks, or one side hangs up     | lose_connection                                                                |
| a server goes back to looking for a leader    | lose_connection for what it closes, then leave or step_down                    |
| a crash, also in the middle of a step         | what was done of the step, then crash; on NEWLEADER crash_while_adopting        |
| everything else: notifications, discovery, pings, applying, a start | nothing: a stutter                                       |
"""

from collections.abc import Iterator
from typing import Any

from attrs import define

from impl.effects import Close, Receive, Send, TimerFired
from impl.world.choices import Crash, CrashDuring
from impl.world.record import StepRecord
from impl.world.world import World
from impl.zookeeper import messages as wire
from impl.zookeeper.effects import CURRENT_EPOCH, AppendTxn, RenameFile
from impl.zookeeper.peer import ACK_NEW_LEADER, TICK
from impl.zookeeper.pipeline import SYNC
from impl.zookeeper.state import Following, Leading, Looking
from impl.zookeeper.transactions import counter_of
from model.zookeeper.zab.state import Link, Phase, Role
from traces.steps import Path, Step
from traces.zookeeper.abstraction import PAIRS, PLACES, Names, Part

_ROLES = (Role.FOLLOWING, Role.LEADING)


@define
class Guess:
    """One step of the world, and the spec's state before it (`frozen`)."""

    world: World
    record: StepRecord
    frozen: tuple[Any, ...]
    target: Part
    names: Names

    def at(self, name: str, *servers: int) -> Any:
        """A cell of the spec's state."""
        a = servers[0]
        cells = self.frozen[PLACES[name]]
        return cells[a * self.world.config.nodes + servers[1]] if name in PAIRS else cells[a]

    @property
    def me(self) -> int:
        """The server that acted, as the spec numbers it."""
        return self.record.node - 1

    # ------------------------------------------------------------------------------------------------------------ the paths

    def paths(self) -> Iterator[Path]:
        """The paths to try, most likely first; the empty path is a stutter."""
        choice = self.record.choice
        if isinstance(choice, Crash):
            yield self._crash(())
        elif isinstance(choice, CrashDuring) or self.record.incident is not None:
            yield from self._interrupted()
        elif self.record.node not in self.world.voters:
            yield self._broken()
        else:
            acted = self._acted()
            yield acted + self._gone(acted)
            for short in range(len(acted) - 1, 0, -1):
                yield acted[:short] + self._gone(acted[:short])
        yield ()

    def _crash(self, before: Path) -> Path:
        """A crash after some steps; of a server that looks for a leader it changes nothing."""
        elected = any(name in ("elect", "join") and args[0] == self.me for name, args in before)
        if self.at("role", self.me) not in _ROLES and not elected:
            return before
        return (*before, ("crash", (self.me, len(self.target["log"][self.me]))))

    def _interrupted(self) -> Iterator[Path]:
        """What was done of the step before the process died; most first, since what was sent or committed cannot be undone."""
        acted = self._acted()
        for done in range(len(acted), -1, -1):
            yield self._crash(acted[:done])
        leader = self.at("leader", self.me)
        if leader is not None and isinstance(getattr(self.record.event, "message", None), wire.NewLeader):
            yield (("crash_while_adopting", (self.me, leader, len(self.target["log"][self.me]))),)

    def _broken(self) -> Path:
        """Connections that the network has broken."""
        size = self.world.config.nodes
        cells = enumerate(self.target["link"])
        return tuple(
            ("lose_connection", divmod(cell, size))
            for cell, found in cells
            if found == Link.NONE and self.at("link", *divmod(cell, size)) != Link.NONE
        )

    def _gone(self, acted: Path) -> Path:
        """The server has stopped following or leading in this step."""
        state, me = self.world.state(self.record.node), self.me
        if state is None or not isinstance(state.role, Looking):
            return ()
        role, leader = self.at("role", me), self.at("leader", me)
        if role == Role.LEADING:
            lost = tuple(args for name, args in acted if name == "lose_connection")
            linked = [n for n in range(self.world.config.nodes) if self.at("link", me, n) != Link.NONE]
            cut = tuple(("lose_connection", (me, n)) for n in linked if (me, n) not in lost)
            return (*cut, ("step_down", (me,)))
        if role == Role.FOLLOWING:
            cut = (("lose_connection", (leader, me)),) if self.at("link", leader, me) != Link.NONE else ()
            return (*cut, ("leave", (me, leader)))
        return ()

    # ------------------------------------------------------------------------------------------------------ what a server did

    def _acted(self) -> Path:
        """The steps for what the server did, ends of roles aside."""
        match self.record.event:
            case Receive(message=wire.ClientRequest()):
                return self._proposals()
            case Receive(message=message) if isinstance(message, wire.Packet):
                if self.at("role", self.me) == Role.LEADING or message.channel.acceptor == self.record.node:
                    return self._from_learner(message)
                return self._from_leader(message)
            case TimerFired(timer=timer) if timer == SYNC:
                return self._flushes()
            case TimerFired(timer=timer) if timer == ACK_NEW_LEADER:
                return (("acknowledge_newleader", (self.me, self.at("leader", self.me))),)
            case TimerFired(timer=timer) if timer == TICK:
                return self._hung_up()
            case _:
                return ()

    def _proposals(self) -> Path:
        return (("propose", (self.me,)),) * self.names.proposed

    def _flushes(self) -> Path:
        me, logged = self.me, sum(isinstance(effect, AppendTxn) for effect in self.record.effects)
        leader = self.at("leader", me)
        if leader is None or (leader != me and self.at("link", leader, me) == Link.NONE):
            return ()
        return (("flush", (me, leader)),) * logged

    def _hung_up(self) -> Path:
        closed = [
            effect.link.other(self.record.node) - 1 for effect in self.record.effects if isinstance(effect, Close)
        ]
        return tuple(
            ("lose_connection", (self.me, learner))
            for learner in closed
            if self.at("link", self.me, learner) != Link.NONE
        )

    # --------------------------------------------------------------------------------------------------------------- learner

    def _from_leader(self, packet: wire.Packet) -> Path:
        me, leader = self.me, packet.src - 1
        phase = self.at("phase", me)
        early: Path = (("acknowledge_newleader", (me, leader)),) if phase == Phase.ADOPTING else ()
        match packet:
            case wire.LeaderInfo():
                joins = self.at("role", me) == Role.LOOKING and self.at("role", leader) == Role.LEADING
                stands = self.at("link", leader, me) == Link.NONE and packet.epoch in self.names.epochs
                return (("join", (me, leader)),) if joins and stands else ()
            case wire.Diff() | wire.Trunc() | wire.Snap():
                return (("take_in_sync", (me, leader)),)
            case wire.NewLeader():
                adopts: Step = ("handle_newleader", (me, leader))
                return (adopts, ("acknowledge_newleader", (me, leader)))
            case wire.UpToDate():
                return (*early, ("handle_uptodate", (me, leader)))
            case wire.Proposal() if phase != Phase.SYNCHRONIZATION:
                return (*early, ("handle_proposal", (me, leader)))
            case wire.Commit() if phase != Phase.SYNCHRONIZATION:
                return (*early, ("handle_commit", (me, leader)))
            case _:
                return ()

    # ---------------------------------------------------------------------------------------------------------------- leader

    def _from_learner(self, packet: wire.Packet) -> Path:
        me, learner = self.me, packet.src - 1
        match packet:
            case wire.Ack(zxid=zxid):
                link = self.at("link", me, learner)
                if link == Link.SYNCED:
                    return (("handle_newleader_ack", (me, learner)),)
                return (("handle_ack", (me, learner)),) if counter_of(zxid) and link == Link.ACKED else ()
            case wire.Forward():
                return self._proposals()
            case _:
                return self._synchronises(learner)

    def _synchronises(self, learner: int) -> Path:
        """The election may be finished by this packet; then learners are brought to the leader's history."""
        me = self.me
        path: list[Step] = []
        joined: list[int] = []
        if any(effect == RenameFile(CURRENT_EPOCH) for effect in self.record.effects):
            joined = self._voters(learner)
            path.append(("elect", (me, tuple(joined))))
            for gone in (n for n in joined if n != me and not self._still_follows(n)):
                path += [("lose_connection", (me, gone)), ("leave", (gone, me))]
        for effect in self.record.effects:
            if not isinstance(effect, Send):
                continue
            message = effect.message
            other = message.dst - 1
            match message:
                case wire.Diff() | wire.Trunc() | wire.Snap():
                    if other not in joined and self.at("link", me, other) == Link.NONE:
                        path.append(("join", (other, me)))
                    path.append(
                        ("sync_by_snapshot" if isinstance(message, wire.Snap) else "sync_follower", (me, other))
                    )
                case wire.NewLeader():
                    path.append(("queue_newleader", (me, other)))
                case _:
                    pass
        return tuple(path)

    def _still_follows(self, learner: int) -> bool:
        """Whether a voter has not left meanwhile; the leader counts its promise all the same."""
        state = self.world.state(learner + 1)
        return state is not None and isinstance(state.role, Following) and state.role.leader == self.record.node

    def _voters(self, learner: int) -> list[int]:
        """Those that have acknowledged the epoch and look for a leader, in the spec too."""
        state = self.world.state(self.record.node)
        acknowledged = [sid - 1 for sid in state.role.electing] if state and isinstance(state.role, Leading) else []
        looking = [n for n in acknowledged if self.at("role", n) == Role.LOOKING]
        return sorted({*looking, self.me, learner})


def hints(world: World, record: StepRecord, frozen: tuple[Any, ...], target: Part, names: Names) -> Iterator[Path]:
    """The paths to try for a step of the world, most likely first."""
    return Guess(world, record, frozen, target, names).paths()
