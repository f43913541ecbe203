"""The state graph of a small scope as text for drawing programs: dot (Graphviz) and Mermaid.

A state is labelled with what differs from the initial one, a step with its action and arguments; steps between the same two states
share an arrow.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

from model.engines.graph import Graph
from model.language import Bounds, Spec
from model.language.declare import FnDecl
from model.language.plain import Frozen, format_value
from model.language.sorts import elements


class Pictures:
    """The labels of one state graph."""

    def __init__(self, spec: Spec, bounds: Bounds, graph: Graph) -> None:
        self.spec, self.bounds, self.graph = spec, bounds, graph
        self._actions = {a.name: a for a in spec.actions}
        self._initial: Frozen = graph.nodes[0]["state"]

    # ---- labels
    def state(self, number: int) -> list[str]:
        """The lines of a state's label: its number, then what differs from the initial state."""
        lines = [str(number)]
        state = self.graph.nodes[number]["state"]
        for (name, declaration), old, new in zip(self.spec.state.variables.items(), self._initial, state, strict=True):
            if old == new:
                continue
            if isinstance(declaration, FnDecl):
                lines += self._cells(name, declaration, old, new)
            else:
                messages = ", ".join(format_value(m, declaration.record) for m in new)
                lines.append(f"{name} = {{{messages}}}")
        return lines

    def _cells(self, name: str, declaration: FnDecl, old: Any, new: Any) -> Iterator[str]:
        if not declaration.args:
            yield f"{name} = {format_value(new, declaration.result)}"
            return
        keys = product(*(elements(sort, self.bounds) for sort in declaration.args))
        for key, before, after in zip(keys, old, new, strict=True):
            if before != after:
                place = ", ".join(format_value(k, sort) for k, sort in zip(key, declaration.args, strict=True))
                yield f"{name}[{place}] = {format_value(after, declaration.result)}"

    def steps(self) -> Iterator[tuple[int, int, list[str]]]:
        """(from, to, one line per step) for every pair of states with a step between them, in order."""
        found: dict[tuple[int, int], list[str]] = {}
        for before, after, step in self.graph.edges(data=True):
            action = self._actions[step["action"]]
            values = zip(step["args"], action.parameters, strict=True)
            args = ", ".join(format_value(v, p.sort) for v, p in values)
            found.setdefault((before, after), []).append(f"{action.name}({args})")
        for before, after in sorted(found):
            yield before, after, found[before, after]

    # ---- formats
    def dot(self) -> str:
        """For Graphviz: `dot -Tsvg`."""
        lines = [f"digraph {dot_text(self.spec.name)} {{", "  node [shape=box, fontname=monospace];"]
        lines.append("  edge [fontname=monospace];")
        for number in sorted(self.graph):
            style = ", style=bold" if number == 0 else ""
            lines.append(f"  {number} [label={dot_text(*self.state(number))}{style}];")
        lines += [f"  {a} -> {b} [label={dot_text(*labels)}];" for a, b, labels in self.steps()]
        return "\n".join([*lines, "}"]) + "\n"

    def mermaid(self) -> str:
        """For Mermaid, which many viewers of Markdown draw."""
        lines = ["flowchart TD"]
        lines += [f'  s{number}["{mermaid_text(self.state(number))}"]' for number in sorted(self.graph)]
        lines += [f'  s{a} -->|"{mermaid_text(labels)}"| s{b}' for a, b, labels in self.steps()]
        return "\n".join(lines) + "\n"


def dot_text(*lines: str) -> str:
    """Lines as a quoted string of dot, left-aligned."""
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + (escaped[0] if len(escaped) == 1 else "".join(f"{line}\\l" for line in escaped)) + '"'


def mermaid_text(lines: list[str]) -> str:
    """Lines as a quoted label of Mermaid, which reads HTML in it."""
    table = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "#": "&num;"}
    return "<br/>".join("".join(table.get(c, c) for c in line) for line in lines)
