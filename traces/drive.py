"""Driving the implementation along a path of the spec: every action is made to happen in the world, and the nodes are compared.

| the spec's action            | the world's choices                                                                        |
|------------------------------|--------------------------------------------------------------------------------------------|
| start_election               | the armed timer among election, backoff, fetch fires (a candidate's: election, then backoff) |
| handle_..._request           | the newest request with this content is delivered (again); a parked Fetch then times out     |
| handle_..._response          | the newest response with this content that is awaited (correlation id) is delivered          |
| append_leader_change         | the drain timer fires                                                                      |
| append_record                | a client's request arrives at the leader, the drain timer fires                             |
| append_without_flush ... restart | the drain is interrupted before its flush: the parked fetches are answered, the power fails |
| restart                      | crash, restart                                                                             |
| crash_before_voting          | the request's handling is interrupted after the first write of quorum-state, restart         |

Between append_without_flush and its restart the spec has a leader whose power is failing and the world a node that is down; they are
not compared there.
"""

from collections.abc import Sequence
from typing import Any

from impl.effects import FlushLog, WriteElectionState
from impl.kraft import messages as wire
from impl.kraft.records import Command
from impl.operations import Operation
from impl.world.choices import (
    Choice,
    ChoiceError,
    ClientOp,
    Crash,
    CrashDuring,
    Deliver,
    Fire,
    Redeliver,
    Restart,
)
from impl.world.config import WorldConfig
from impl.world.world import Observer, World
from traces.abstraction import NODE_VARIABLES, NodePart, abstract_nodes, differences, node_part
from traces.driving import CannotDrive, Mismatch
from traces.hints import abstract_message
from traces.steps import Step

_CLIENT_KEY = "k"


def driven_value(command: Command) -> int:
    """The spec's value of a record that the driver made a client write."""
    value = command.operation.value
    if not isinstance(value, int):
        raise TypeError(f"{command} was not written by the driver")
    return value


class Driver:
    """A world of `nodes` voters and one client that is led along paths of the spec. `choices` are those made so far."""

    def __init__(self, nodes: int, bug: str | None = None, observers: Sequence[Observer] = ()) -> None:
        self.world = World(WorldConfig(nodes=nodes, clients=1, bug=bug), observers=observers)
        self.client = self.world.client_addresses[0]
        self.choices: list[Choice] = []
        self._failing: int | None = None

    def nodes(self) -> NodePart:
        """The node variables of the spec state that the world stands for."""
        return abstract_nodes(self.world.snapshot(), driven_value)

    def take(self, step: Step, ahead: Sequence[Step] = ()) -> list[Choice]:
        """Make one action happen; `ahead` are the steps of the path that follow. Returns the choices made.

        Raises CannotDrive if the world does not offer what the action needs.
        """
        name, args = step
        made = len(self.choices)
        try:
            getattr(self, f"_{name}")(args, ahead)
        except ChoiceError as error:
            raise CannotDrive(str(error)) from None
        return self.choices[made:]

    def differences(self, frozen: tuple[Any, ...]) -> list[str]:
        """Where the world differs from a spec state; of a node whose power is failing nothing is compared."""
        expected, found = node_part(frozen), self.nodes()
        if self._failing is None:
            return differences(expected, found)
        size = self.world.config.nodes
        for name in NODE_VARIABLES:
            width = len(expected[name]) // size
            cells = list(found[name])
            start = self._failing * width
            cells[start : start + width] = expected[name][start : start + width]
            found[name] = tuple(cells)
        return differences(expected, found)

    # ---- choices
    def _do(self, choice: Choice) -> None:
        self.choices.append(choice)
        self.world.apply(choice)

    def _start_election(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        node = args[0] + 1
        for timer in ("backoff", "election", "fetch"):
            if timer in self.world.armed(node):
                self._do(Fire(node, timer))
                if timer == "election" and "backoff" in self.world.armed(node):
                    self._do(Fire(node, "backoff"))
                return
        raise CannotDrive(f"node {node} has no timer that starts an election; armed: {self.world.armed(node)}")

    def _newest(self, wanted: Any, dst: int, correlation: int | None = None) -> int:
        """The id of the newest message to `dst` whose abstraction is `wanted` (and that carries this correlation id)."""
        sent = self.world.sent
        for number in range(len(sent) - 1, -1, -1):
            message = sent[number]
            if message.dst != dst or (correlation is not None and message.correlation_id != correlation):
                continue
            if abstract_message(message, driven_value) == wanted:
                return number
        raise CannotDrive(f"no message to node {dst} stands for {wanted!r}")

    def _request(self, wanted: Any, dst: int) -> wire.Message:
        number = self._newest(wanted, dst)
        self._do(Redeliver(number))
        request: wire.Message = self.world.sent[number]
        return request

    def _response(self, wanted: Any, client: int, server: int) -> None:
        """Deliver the response that `client` awaits from `server`."""
        state = self.world.state(client)
        if state is None:
            raise CannotDrive(f"node {client} is down")
        for outstanding in state.outstanding:
            if outstanding.peer == server:
                self._do(Redeliver(self._newest(wanted, client, outstanding.request.correlation_id)))
                return
        raise CannotDrive(f"node {client} awaits nothing from node {server}")

    def _handle_vote_request(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        voter, request = args
        self._request(request, voter + 1)

    def _handle_begin_quorum_request(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        voter, request = args
        self._request(request, voter + 1)

    def _handle_fetch_request(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        request = args[0]
        if self._failing == request.leader:
            return  # it was parked, and answered when the drain was interrupted
        message = self._request(request, request.leader + 1)
        timer = f"fetch_wait:{message.src}:{message.correlation_id}"
        if timer in self.world.armed(request.leader + 1):
            self._do(Fire(request.leader + 1, timer))

    def _handle_vote_response(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        response = args[0]
        self._response(response, response.candidate + 1, response.voter + 1)

    def _handle_begin_quorum_response(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        response = args[0]
        self._response(response, response.leader + 1, response.voter + 1)

    def _handle_fetch_response(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        response = args[0]
        follower = response.follower + 1
        leader = self.world.snapshot_node(follower).leader_id
        if leader is None:
            raise CannotDrive(f"node {follower} knows no leader")
        self._response(response, follower, leader)

    def _append_leader_change(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        self._do(Fire(args[0] + 1, "drain"))

    def _accept_record(self, node: int, value: int) -> None:
        """A client's record reaches the leader's accumulator."""
        if not self.world.is_idle(self.client):
            self._do(Fire(self.client, "timeout"))
        self._do(ClientOp(self.client, Operation("set_config", _CLIENT_KEY, value), node))
        self._do(Deliver(len(self.world.sent) - 1))

    def _append_record(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        leader, value = args
        self._accept_record(leader + 1, value)
        self._do(Fire(leader + 1, "drain"))

    def _append_without_flush(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        leader, value = args
        node = leader + 1
        if value:
            self._accept_record(node, value)
        self._park_again(leader, ahead)
        kept = next((a[1] for name, a in ahead if name == "restart" and a[0] == leader), None)
        if kept is None:
            raise CannotDrive(f"the path ends while the power of node {node} is failing")
        drain = Fire(node, "drain")
        effects = self.world.preview(drain)
        flush = next((i for i, effect in enumerate(effects) if isinstance(effect, FlushLog)), len(effects))
        self._do(CrashDuring(drain, flush, kept))
        self._failing = leader

    def _park_again(self, leader: int, ahead: Sequence[Step]) -> None:
        """Have the fetches that are answered while the power fails parked: they have been handled before, and timed out then."""
        for name, args in ahead:
            if name == "restart" and args[0] == leader:
                return
            if name == "handle_fetch_request" and args[0].leader == leader:
                self._request(args[0], leader + 1)

    def _restart(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        node, kept = args
        if self._failing == node:
            self._failing = None
        else:
            self._do(Crash(node + 1, kept))
        self._do(Restart(node + 1))

    def _crash_before_voting(self, args: tuple[Any, ...], ahead: Sequence[Step]) -> None:
        voter, request, kept = args
        arrival = Redeliver(self._newest(request, voter + 1))
        effects = self.world.preview(arrival)
        written = next((i for i, effect in enumerate(effects) if isinstance(effect, WriteElectionState)), None)
        if written is None:
            raise CannotDrive(f"node {voter + 1} would not write its quorum-state for {request!r}")
        self._do(CrashDuring(arrival, written + 1, kept))
        self._do(Restart(voter + 1))


def drive(driver: Driver, path: Sequence[Step], states: Sequence[tuple[Any, ...]]) -> Mismatch | None:
    """Lead a world along a path, comparing with the states after each step; None if it followed to the end."""
    for number, (step, state) in enumerate(zip(path, states, strict=True), start=1):
        try:
            driver.take(step, path[number:])
        except CannotDrive as error:
            return Mismatch(number, step[0], (str(error),))
        wrong = driver.differences(state)
        if wrong:
            return Mismatch(number, step[0], tuple(wrong[:3]))
    return None
