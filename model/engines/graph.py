"""The state graph of a small scope as a networkx graph, and paths that cover every one of its transitions.

Nodes are state numbers in breadth-first order (0 is the initial state) with the attribute `state`; edges have the attributes
`action` and `args`. Several actions may lead from one state to another, so it is a multigraph.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import networkx as nx
from attrs import frozen

from model.engines.source import Source
from model.engines.verdict import TraceStep

Edge = tuple[int, int, int]
Graph: TypeAlias = "nx.MultiDiGraph[int]"


class GraphTooLarge(Exception):
    """The scope has more states than were asked for; the message says how to shrink it."""


def state_graph(source: Source, limit: int = 20_000) -> Graph:
    """The graph of every state within bounds, at most `limit` of them."""
    graph: Graph = nx.MultiDiGraph()
    initial = source.initial()
    numbers = {initial: 0}
    graph.add_node(0, state=source.plain(initial))
    queue = deque([initial])
    while queue:
        state = queue.popleft()
        number = numbers[state]
        for place, args, new, _ in source.steps(state):
            if new not in numbers:
                if len(numbers) >= limit:
                    raise GraphTooLarge(
                        f"more than {limit:,} states within bounds {dict(source.bounds)}: take smaller bounds"
                    )
                numbers[new] = len(numbers)
                graph.add_node(numbers[new], state=source.plain(new))
                queue.append(new)
            graph.add_edge(number, numbers[new], action=source.spec.actions[place].name, args=args)
    return graph


@frozen
class CoverPath:
    """A path from the initial state: its steps and the plain states that they lead to."""

    steps: tuple[TraceStep, ...]
    states: tuple[tuple[Any, ...], ...]


def covering_paths(graph: Graph, may_end: Callable[[Any], bool] = lambda state: True) -> Iterator[CoverPath]:
    """Paths from the initial state that together take every edge at least once.

    Each path goes to the nearest edge that is still to be taken by a shortest way, and then on along such edges as long as there are any.
    A path ends only in a state for which `may_end` is true; it is continued by the shortest way to one.
    """
    parents = _shortest_way(graph)
    left: dict[int, deque[Edge]] = {
        node: deque(sorted(graph.out_edges(node, keys=True), key=lambda e: (e[1], e[2]))) for node in sorted(graph)
    }
    for start in sorted(graph):
        while left[start]:
            edges = _way_to(parents, start)
            here = start
            while left[here]:
                edge = left[here].popleft()
                edges.append(edge)
                here = edge[1]
            edges.extend(_way_to_end(graph, here, may_end))
            yield CoverPath(
                tuple(TraceStep(graph.edges[e]["action"], graph.edges[e]["args"]) for e in edges),
                tuple(graph.nodes[e[1]]["state"] for e in edges),
            )


def _shortest_way(graph: Graph) -> dict[int, Edge]:
    """For every node but the initial one the edge by which breadth-first search reaches it first."""
    return {after: (before, after, 0) for before, after in nx.bfs_edges(graph, 0)}


def _way_to(parents: dict[int, Edge], node: int, start: int = 0) -> list[Edge]:
    edges = []
    while node != start:
        edges.append(parents[node])
        node = parents[node][0]
    return edges[::-1]


def _way_to_end(graph: Graph, node: int, may_end: Callable[[Any], bool]) -> list[Edge]:
    if may_end(graph.nodes[node]["state"]):
        return []
    parents: dict[int, Edge] = {}
    for before, after in nx.bfs_edges(graph, node):
        parents[after] = (before, after, 0)
        if may_end(graph.nodes[after]["state"]):
            return _way_to(parents, after, node)
    raise ValueError(f"no state in which a path may end can be reached from state {node}")
