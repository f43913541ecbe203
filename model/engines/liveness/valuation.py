"""What terms are in all states of a compiled search at once: evaluated per component value where they can be, else per combination."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.engines.compiled.backend import Numbers
from model.engines.compiled.evaluate import UNREAD
from model.engines.compiled.footprint import reads_of
from model.engines.compiled.search import Search
from model.language.graph import Term, children
from model.language.ground_code import Writer, compiled
from model.language.sorts import Bool

Column = NDArray[Any]

_OPERATIONS: dict[str, Callable[..., Any]] = {
    "and": lambda *parts: np.logical_and.reduce(parts),
    "or": lambda *parts: np.logical_or.reduce(parts),
    "not": np.logical_not,
    "implies": lambda a, b: ~a | b,
    "ite": np.where,
    "eq": np.equal,
    "lt": np.less,
    "le": np.less_equal,
    "add": np.add,
    "sub": np.subtract,
    "sum": lambda *parts: np.sum(parts, axis=0, dtype=np.int64),
}
"""Operations whose value depends on nothing but the values of their operands, on columns of truth values or integers."""


class Valuation:
    """Evaluates ground terms over slots (`Slotter.term`) on states given as rows of component numbers."""

    def __init__(self, search: Search) -> None:
        self._search, self._partition = search, search.partition
        self._components: dict[int, tuple[int, ...]] = {}
        self._tables: dict[int, Column] = {}
        self._functions: dict[int, Callable[[list[Any]], Any]] = {}

    def column(self, term: Term, numbers: Numbers) -> Column:
        """The value of a term in each state."""
        if term.op == "const":
            return np.full(len(numbers), term.args[0], dtype=np.bool_ if term.sort is Bool else np.int64)
        components = self._reads(term)
        if len(components) == 1:
            return self._table(term, components[0])[numbers[:, components[0]]]
        if term.op in _OPERATIONS:
            return np.asarray(_OPERATIONS[term.op](*(self.column(t, numbers) for t in children(term))))
        rows, which = np.unique(numbers[:, components], axis=0, return_inverse=True)
        values = [self._value(term, dict(zip(components, row, strict=True))) for row in rows.tolist()]
        return self._as_column(term, values)[which.reshape(-1)]

    def _reads(self, term: Term) -> tuple[int, ...]:
        found = self._components.get(term.id)
        if found is None:
            of = self._partition.component_of
            read = reads_of((term,), self._partition.layout)
            found = self._components[term.id] = tuple(sorted({of[place] for place in read}))
        return found

    def _table(self, term: Term, component: int) -> Column:
        """The value of a term per value of the only component that it reads."""
        known = self._tables.get(term.id)
        if known is None:
            values = range(self._search.backend.stats().values[component])
            known = self._as_column(term, [self._value(term, {component: value}) for value in values])
            self._tables[term.id] = known
        return known

    @staticmethod
    def _as_column(term: Term, values: list[Any]) -> Column:
        return np.array(values, dtype=np.bool_ if term.sort is Bool else np.int64)

    def _value(self, term: Term, numbers: dict[int, int]) -> Any:
        """The value of a term where these components have these numbers."""
        layout, evaluator = self._partition.layout, self._search.evaluator
        state: list[Any] = [UNREAD] * layout.width
        for component, number in numbers.items():
            places = self._partition.components[component].places
            for place, value in zip(places, self._search.backend.row(component, number), strict=True):
                state[place] = evaluator.decode(place, value)
        function = self._functions.get(term.id)
        if function is None:
            writer = Writer(layout, self._partition.ground.bounds)
            writer.predicate("value", term)
            function = self._functions[term.id] = compiled(writer.lines, layout)["value"]
        return function(state)
