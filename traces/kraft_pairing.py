"""Voters of KRaft and the spec `kraft`."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from impl.effects import Send
from impl.world.record import StepRecord
from impl.world.world import World
from model.kraft.state import BeginQuorumRequest, FetchRequest, VoteRequest
from traces.abstraction import PLACES, Numbering, Values, abstract_nodes, differences, node_part
from traces.hints import abstract_message, hints
from traces.pairing import Frozen, Pairing, Part
from traces.steps import Path

_REQUESTS = {VoteRequest: "vote_requests", BeginQuorumRequest: "begin_requests", FetchRequest: "fetch_requests"}


class KRaftPairing(Pairing):
    """See `abstraction.py` and `hints.py`. Messages are the spec's own: the network bound `stale=1` keeps every one deliverable.

    So a message that the implementation acts on must be one that the spec has sent, and a request that it sends must be there too.
    `values` says what clients' records are to the spec.
    """

    mode = "kraft"
    first_bounds: ClassVar[dict[str, int]] = {
        "epochs": 8,
        "log": 8,
        "values": 8,
        "elections": 64,
        "restarts": 64,
        "stale": 1,
    }

    def __init__(self, nodes: int, values: Values | None = None) -> None:
        super().__init__(nodes)
        self.values: Values = values if values is not None else Numbering()

    def meet(self, world: World, record: StepRecord) -> None:
        """Number the records that were appended."""
        if isinstance(self.values, Numbering):
            self.values.meet(world, record)

    def abstract(self, world: World) -> Part:
        """The nodes."""
        return abstract_nodes(world.snapshot(), self.values)

    def differences(self, frozen: Frozen, found: Part) -> list[str]:
        """Between nodes."""
        return differences(node_part(frozen), found)

    def hints(self, world: World, record: StepRecord, frozen: Frozen, target: Part) -> Iterator[Path]:
        """See `hints.py`."""
        return hints(world, record, self.values)

    def used(self, states: Sequence[Frozen]) -> dict[str, int]:
        """The largest numbers in the states."""

        def most(variable: str) -> int:
            return max(int(max(state[PLACES[variable]])) for state in states)

        logs = [log for state in states for log in state[PLACES["log"]]]
        return {
            "epochs": most("epoch"),
            "log": max(len(log) for log in logs),
            "values": max((entry.value for log in logs for entry in log), default=0),
            "elections": max(state[PLACES["aux_elections"]] for state in states),
            "restarts": max(state[PLACES["aux_restarts"]] for state in states),
        }

    def needed(self, target: Part, frozen: Frozen) -> dict[str, int]:
        """Those of the target, and the counters of the state."""
        return {
            "epochs": max(target["epoch"]),
            "log": max(len(log) for log in target["log"]),
            "values": max((entry.value for log in target["log"] for entry in log), default=0),
            "elections": frozen[PLACES["aux_elections"]],
            "restarts": frozen[PLACES["aux_restarts"]],
        }

    def unsent(self, world: World, record: StepRecord, frozen: Frozen) -> str | None:
        """A request that no action of the spec has sent."""
        for effect in record.effects:
            if isinstance(effect, Send):
                message: Any = abstract_message(effect.message, self.values)
                if type(message) in _REQUESTS and message not in frozen[PLACES[_REQUESTS[type(message)]]]:
                    return f"{message!r} was sent, which no action of the spec has sent"
        return None
