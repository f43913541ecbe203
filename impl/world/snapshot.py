"""The observable state of the world at one moment: what properties, conformance and digests look at."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from attrs import field, frozen


@frozen
class Incident:
    """Something that must not happen: the process of `node` died of a fatal condition in step `step`."""

    step: int
    node: int
    kind: str
    message: str

    def to_json(self) -> dict[str, Any]:
        """The incident as a plain JSON object."""
        return {"step": self.step, "node": self.node, "kind": self.kind, "message": self.message}


@frozen
class WorldSnapshot:
    """The whole world: virtual time (µs), nodes in ascending order, messages in flight (id, text), cuts, incidents, and
    the processes beside the nodes, if there are any.

    The nodes are of the type that the system of the world has; `plain_node` makes JSON of one.
    """

    time: int
    nodes: tuple[Any, ...]
    in_flight: tuple[tuple[int, str], ...]
    cuts: tuple[tuple[int, int], ...]
    incidents: tuple[Incident, ...]
    plain_node: Callable[[object], Any] = field(eq=False, repr=False)
    processes: tuple[Any, ...] = ()

    def node(self, node_id: int) -> Any:
        """The node with that id, from 1."""
        return self.nodes[node_id - 1]

    def to_json(self) -> dict[str, Any]:
        """The snapshot as plain JSON data."""
        processes = {"processes": [self.plain_node(process) for process in self.processes]} if self.processes else {}
        return {
            "time": self.time,
            "nodes": [self.plain_node(node) for node in self.nodes],
            "in_flight": [list(item) for item in self.in_flight],
            "cuts": [list(cut) for cut in self.cuts],
            "incidents": [incident.to_json() for incident in self.incidents],
            **processes,
        }

    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON: the same in every process and on every Python version."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
