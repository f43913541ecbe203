"""What a metadata log record says: a change of leader, or an operation of a client."""

from typing import Any

from attrs import frozen

from impl.operations import Operation, operation_to_json


@frozen
class LeaderChange:
    """The first record of every epoch. KIP-595 LeaderChangeMessage: the leader, the voters, and who voted for it."""

    leader_id: int
    voters: tuple[int, ...]
    granting_voters: tuple[int, ...]

    def __str__(self) -> str:
        return f"LeaderChange({self.leader_id})"


@frozen
class Command:
    """The record of a client operation.

    `client` and `request` identify the request that caused it, so that it is unique.
    """

    client: int
    request: int
    operation: Operation

    def __str__(self) -> str:
        return f"{self.operation}#{self.client}.{self.request}"


Payload = LeaderChange | Command


def payload_to_json(payload: object) -> dict[str, Any]:
    """A record's payload as a plain JSON object; raises TypeError for anything but a payload of this module."""
    match payload:
        case LeaderChange(leader_id, voters, granting):
            return {"leader_change": leader_id, "voters": list(voters), "granting_voters": list(granting)}
        case Command(client, request, operation):
            return {"client": client, "request": request, **operation_to_json(operation)}
        case _:
            raise TypeError(f"not a payload of a metadata record: {payload!r}")
