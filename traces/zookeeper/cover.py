"""Conformance the other way: the transitions of a small state graph of `zab-ensemble`, driven through ensembles one after the other.

Not every transition is one that servers can take: of equally good servers the one with the largest id is elected, a server hears of a
leader from two others, a thread flushes all that waits. Such a transition is refused by the driver, with the reason; what can be
reached without it is driven. What the ensemble does must be what the spec says: a difference ends the cover.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

from model.engines.graph import Edge, Graph, state_graph
from model.engines.source import Source
from model.language import Spec
from model.zookeeper.zab.state import Phase
from traces.driving import CannotDrive, Mismatch
from traces.pairings import LOCKSTEPS
from traces.steps import Path, Step
from traces.zookeeper.abstraction import PLACES
from traces.zookeeper.drive import EnsembleDriver
from traces.zookeeper.museum import widened
from traces.zookeeper.pairing import ZabPairing

SCOPE: Mapping[str, int] = {"nodes": 3, "epochs": 1, "log": 2, "txns": 1, "crashes": 0, "partitions": 1, "channel": 6}
"""One proposal and one broken connection under the first leader."""


@frozen
class Cover:
    """Of the transitions that the narrowed spec has (`transitions`) and an ensemble under the leader with the largest id can come to
    (`within_reach`): those driven, those refused (by action: how many), and the rest, which lies behind them.

    `mismatch` is where an ensemble did something else than the spec, and `path` how it came there.
    """

    states: int
    transitions: int
    within_reach: int
    driven: int
    refused: Mapping[str, int]
    paths: int
    mismatch: Mismatch | None = None
    path: Path = ()


class _Driving:
    """The graph, and which of its edges are still to be driven (`left`), which were, and which were refused."""

    def __init__(self, spec: Spec, graph: Graph, nodes: int) -> None:
        self.spec, self.graph, self.nodes = spec, graph, nodes
        edges = [edge for edge in sorted(graph.edges(keys=True)) if self._is_servers(edge)]
        self.left: dict[Edge, None] = dict.fromkeys(edges)
        self.ways: dict[int, list[Edge]] = {}
        for edge in edges:
            self.ways.setdefault(edge[0], []).append(edge)
        self.driven: dict[Edge, None] = {}
        self.refused: dict[Edge, str] = {}

    def _is_servers(self, edge: Edge) -> bool:
        """A learner acknowledges NEWLEADER in the step that handles it; the first leader is the server with the largest id."""
        name, args = self.step(edge)
        adopting = self._adopting(edge[0])
        if name == "begin":
            return bool(args[0] == self.nodes - 1)
        return not adopting or (name in ("acknowledge_newleader", "crash") and args[0] in adopting)

    def _adopting(self, state: int) -> list[int]:
        """The learners that are between the two writes of NEWLEADER."""
        phases = self.graph.nodes[state]["state"][PLACES["phase"]]
        return [n for n, phase in enumerate(phases) if phase == Phase.ADOPTING]

    def step(self, edge: Edge) -> Step:
        """The step of an edge."""
        data = self.graph.edges[edge]
        return data["action"], data["args"]

    def within_reach(self) -> int:
        """How many edges can be come to from the initial state, refused or not."""
        seen, queue = {0: None}, deque([0])
        while queue:
            for edge in self.ways.get(queue.popleft(), ()):
                if edge[1] not in seen:
                    seen[edge[1]] = None
                    queue.append(edge[1])
        return sum(len(self.ways.get(state, ())) for state in seen)

    def next_path(self) -> list[Edge] | None:
        """A shortest way along edges that were not refused to one that is left, and on along such; None if there is no way."""
        before: dict[int, Edge | None] = {0: None}
        queue = deque([0])
        while queue:
            here = queue.popleft()
            wanted = next((edge for edge in self.ways.get(here, ()) if edge in self.left), None)
            if wanted is not None:
                return [*self._back(before, here), *self._on(wanted)]
            for edge in self.ways.get(here, ()):
                if edge not in self.refused and edge[1] not in before:
                    before[edge[1]] = edge
                    queue.append(edge[1])
        return None

    def _back(self, before: Mapping[int, Edge | None], here: int) -> list[Edge]:
        way: list[Edge] = []
        while (edge := before[here]) is not None:
            way.append(edge)
            here = edge[0]
        return way[::-1]

    def _on(self, edge: Edge) -> Iterator[Edge]:
        taken: dict[Edge, None] = {}
        following: Edge | None = edge
        while following is not None:
            yield following
            taken[following] = None
            here = following[1]
            following = next((e for e in self.ways.get(here, ()) if e in self.left and e not in taken), None)
            if following is None and self._adopting(here):
                following = self.ways[here][0]  # no way ends where the ensemble is one step ahead


def drive_cover(
    source: Source,
    spec: Spec,
    *,
    bug: str | None = None,
    limit: int = 20_000,
    report: Callable[[int, int], None] | None = None,
) -> Cover:
    """Drive what can be driven of the graph of `source` (of the narrowed `spec`) through ensembles (with a bug, if named), until the
    first mismatch."""
    graph = state_graph(source, limit)
    nodes = source.bounds["nodes"]
    driving = _Driving(spec, graph, nodes)
    paths = 0
    while (way := driving.next_path()) is not None:
        paths += 1
        mismatch = _drive(driving, way, bug)
        if report is not None:
            report(paths, len(driving.driven))
        if mismatch is not None:
            shown = tuple(driving.step(edge) for edge in way[: mismatch.step])
            return _cover(graph, driving, paths, mismatch, shown)
    return _cover(graph, driving, paths)


def _cover(graph: Graph, driving: _Driving, paths: int, mismatch: Mismatch | None = None, path: Path = ()) -> Cover:
    why = Counter(driving.step(edge)[0] for edge in driving.refused)
    return Cover(
        len(graph),
        graph.number_of_edges(),
        driving.within_reach(),
        len(driving.driven),
        dict(why),
        paths,
        mismatch,
        path,
    )


def _drive(driving: _Driving, way: list[Edge], bug: str | None) -> Mismatch | None:
    """Lead an ensemble along a way; a step that it cannot take is noted as refused, and the way ends there."""
    config = LOCKSTEPS[driving.spec.name].world(driving.nodes, 1, bug)
    driver = EnsembleDriver(config, ZabPairing(driving.nodes, begun=True))
    steps = [driving.step(edge) for edge in way]
    settled: Any = None
    for number, edge in enumerate(way, start=1):
        before = [] if settled is None else driver.differences(settled)
        ahead = widened(tuple(steps[number:]))
        try:
            made = [choice for step in widened((steps[number - 1],)) for choice in driver.take(step, ahead)]
        except CannotDrive as error:
            driving.left.pop(edge, None)
            driving.refused[edge] = str(error)
            return None
        if made and before:
            return Mismatch(number - 1, steps[number - 2][0], tuple(before[:3]))
        driving.left.pop(edge, None)
        driving.driven[edge] = None
        settled = driving.graph.nodes[edge[1]]["state"]
    wrong = driver.differences(settled)
    return Mismatch(len(way), steps[-1][0], tuple(wrong[:3])) if wrong else None
