"""Leading an ensemble: the choices of the world that make one thing happen, and nothing else."""

from collections.abc import Callable, Sequence
from typing import Any

from impl.effects import ConnectionClosed, ConnectionOpened
from impl.effects import Link as Connection
from impl.operations import Operation
from impl.world.choices import Choice, ClientOp, Deliver, Drop, Fire
from impl.world.config import WorldConfig
from impl.world.connections import ConnectionNetwork
from impl.world.world import Observer, World
from impl.zookeeper import messages as wire
from impl.zookeeper.election import ELECTION, FINALIZE
from impl.zookeeper.peer import ACK_NEW_LEADER, INIT, READ, TICK
from impl.zookeeper.pipeline import COMMIT, SYNC
from impl.zookeeper.state import BROADCAST, Following, Leading, Looking
from traces.driving import CannotDrive

_ROUNDS = 60
"""More rounds of an exchange than any needs."""

_KEY = "k"

Wanted = Callable[[Any], bool]


class Ensemble:
    """A world that is led by hand. `choices` are those made so far."""

    def __init__(self, config: WorldConfig, observers: Sequence[Observer] = ()) -> None:
        self.world = World(config, observers=observers)
        self.choices: list[Choice] = []
        self._written = 0

    def do(self, choice: Choice) -> None:
        """Make one choice."""
        self.choices.append(choice)
        self.world.apply(choice)

    def role(self, node: int) -> Any:
        """The role of a server; None while it is down."""
        state = self.world.state(node)
        return None if state is None else state.role

    @property
    def network(self) -> ConnectionNetwork:
        """The connections."""
        network = self.world.network
        assert isinstance(network, ConnectionNetwork)
        return network

    # ------------------------------------------------------------------------------------------------------------ messages

    def waiting(self, src: int, dst: int, wanted: Wanted) -> int | None:
        """The id of a message that could arrive next, the oldest of those wanted."""
        for message_id in self.network.in_flight():
            message = self.world.sent[message_id]
            if (
                message.src == src
                and message.dst == dst
                and wanted(message)
                and self.network.is_deliverable(message_id)
            ):
                return message_id
        return None

    def deliver(self, src: int, dst: int, wanted: Wanted, what: str) -> None:
        """Have a message arrive; CannotDrive if none can."""
        found = self.waiting(src, dst, wanted)
        if found is None:
            raise CannotDrive(f"no {what} can arrive at server {dst} from {src}")
        self.do(Deliver(found))

    def link(self, learner: int, leader: int) -> Connection | None:
        """The standing connection of a learner to its leader."""
        role = self.role(learner)
        if isinstance(role, Following) and role.leader == leader and self.network.is_open(role.link):
            return role.link
        return None

    def fire(self, node: int, timer: str) -> None:
        """Have a timer expire; CannotDrive if it is not armed."""
        if timer not in self.world.armed(node):
            raise CannotDrive(
                f"server {node} has no timer {timer}; armed: {', '.join(self.world.armed(node)) or 'none'}"
            )
        self.do(Fire(node, timer))

    def settle(self) -> None:
        """The commit threads run: whatever is committed is applied."""
        for node in self.world.voters:
            if self.world.state(node) is not None and COMMIT in self.world.armed(node):
                self.do(Fire(node, COMMIT))

    # ------------------------------------------------------------------------------------------------------------ elections

    def look(self, node: int) -> None:
        """A server that follows nobody that has synchronised it, or leads nobody, starts a new round of its election."""
        for _ in range(_ROUNDS):
            role = self.role(node)
            match role:
                case Looking(finalizing=False):
                    return
                case Looking():
                    self.fire(node, FINALIZE)
                case Following(phase=phase) if phase != BROADCAST and role.sync is None:
                    self.fire(node, READ)
                case Leading(election_finished=False):
                    self.fire(node, INIT)
                case _:
                    raise CannotDrive(f"server {node} does not look for a leader")
        raise CannotDrive(f"server {node} does not come to look for a leader")

    def agree(self, leader: int, voters: Sequence[int]) -> None:
        """The voters exchange votes until they agree on a leader; the others hear nothing and say nothing."""
        for voter in voters:
            self.look(voter)
        for _ in range(_ROUNDS):
            moved = self._exchange(voters)
            roles = [self.role(voter) for voter in voters]
            if all(isinstance(role, Looking) and role.finalizing for role in roles):
                chosen = {role.proposed.leader for role in roles}
                if chosen != {leader}:
                    raise CannotDrive(f"the votes of {list(voters)} go to server {min(chosen)}, not to {leader}")
                for voter in (leader, *(other for other in voters if other != leader)):
                    self.fire(voter, FINALIZE)
                return
            if not moved:
                for voter, role in zip(voters, roles, strict=True):
                    if not role.finalizing:
                        self.fire(voter, ELECTION)
        raise CannotDrive(f"servers {list(voters)} do not agree on a leader")

    def _exchange(self, voters: Sequence[int]) -> bool:
        moved = False
        for src in voters:
            for dst in voters:
                found = self.waiting(src, dst, lambda m: isinstance(m, wire.Notification))
                if found is not None:
                    self.do(Deliver(found))
                    moved = True
        return moved

    def promise(self, learner: int, leader: int) -> None:
        """A learner connects and says what it has accepted; with that of a quorum the leader proposes an epoch."""
        self.deliver(learner, leader, lambda m: isinstance(m, ConnectionOpened), "connection")
        self.deliver(learner, leader, lambda m: isinstance(m, wire.FollowerInfo), "FOLLOWERINFO")
        self.deliver(leader, learner, lambda m: isinstance(m, wire.LeaderInfo), "LEADERINFO")

    def find(self, learner: int, leader: int) -> None:
        """A server that looks for a leader hears from the others, in no election, that there is one."""
        self.look(learner)
        others = [node for node in self.world.voters if node != learner and self.role(node) is not None]
        for _ in range(_ROUNDS):
            role = self.role(learner)
            if isinstance(role, Following) and role.leader == leader:
                return
            if not isinstance(role, Looking):
                self.look(learner)
                continue
            self.fire(learner, FINALIZE if role.finalizing else ELECTION)
            for other in others:
                for src, dst in ((learner, other), (other, learner)):
                    found = self.waiting(src, dst, lambda m: isinstance(m, wire.Notification))
                    if (
                        found is not None
                        and isinstance(self.role(learner), Looking)
                        and not isinstance(self.role(other), Looking)
                    ):
                        self.do(Deliver(found))
        raise CannotDrive(f"nobody but server {leader} tells {learner} that it leads")

    # -------------------------------------------------------------------------------------------------------------- traffic

    def write(self, leader: int) -> None:
        """A client's write reaches the leader."""
        client = self.world.client_addresses[0]
        if not self.world.is_idle(client):
            self.do(Fire(client, "timeout"))
        self._written += 1
        self.do(ClientOp(client, Operation("set_config", _KEY, self._written), leader))
        self.do(Deliver(len(self.world.sent) - 1))

    def talk(self) -> None:
        """Everything on connections arrives, and every thread runs, until there is nothing left to do."""
        for _ in range(_ROUNDS):
            found = [
                i for i in self.network.in_flight() if self.network.is_stream(i) and self.network.is_deliverable(i)
            ]
            for message_id in found:
                if self.network.is_in_flight(message_id):
                    self.do(Deliver(message_id))
            threads = [
                (node, timer)
                for node in self.world.voters
                for timer in (ACK_NEW_LEADER, SYNC)
                if timer in self.world.armed(node)
            ]
            for node, timer in threads:
                self.do(Fire(node, timer))
            self.settle()
            if not found and not threads:
                return
        raise CannotDrive("the servers do not come to rest")

    def break_connection(self, learner: int, leader: int) -> None:
        """A connection breaks, and the leader is told; the learner is not."""
        link = self.link(learner, leader)
        if link is None:
            raise CannotDrive(f"server {learner} has no connection to {leader}")
        if not self._on(link):
            self.fire(leader, TICK)
        on_its_way = self._on(link)
        if not on_its_way:
            raise CannotDrive(f"nothing is on its way between {learner} and {leader} that could be lost")
        self.do(Drop(on_its_way[0]))
        self.deliver(learner, leader, lambda m: isinstance(m, ConnectionClosed), "end of the connection")

    def _on(self, link: Connection) -> list[int]:
        return [
            message_id
            for message_id in self.network.in_flight()
            if getattr(self.world.sent[message_id], "channel", None) == link
        ]
