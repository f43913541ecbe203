"""Where everything is in a flat state, and how plain values become its integers.

An element of an abstract sort or an ordinal is itself, an enum member its place, a quorum its place in `elements(Quorum)`,
"unset" is -1; truth values are False and True. A message is the tuple of its components.
"""

from math import prod
from typing import Any

from attrs import field, frozen

from model.language.declare import FnDecl
from model.language.primitives import Function, components, flatten, unflatten
from model.language.sorts import Bool, Bounds, Enum, Quorum, SeqOf, default, elements
from model.language.transition import TracedSpec

UNSET = -1


class Codec:
    """Plain values of basic sorts to the integers of the ground form, and back."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.quorums = elements(Quorum, bounds) if "nodes" in bounds else ()
        self._domains: dict[Any, tuple[Any, ...]] = {}

    def domain(self, sort: Any) -> tuple[Any, ...]:
        """The plain elements of a basic sort; their ground values are 0, 1, ..."""
        found = self._domains.get(sort)
        if found is None:
            found = self._domains[sort] = elements(sort, self.bounds)
        return found

    def encode(self, value: Any, sort: Any) -> int:
        """The ground value of a plain value."""
        if value is None:
            return UNSET
        if sort is Bool:
            return bool(value)
        if sort is Quorum:
            return self.quorums.index(value)
        return int(value.place) if issubclass(sort, Enum) else int(value)

    def decode(self, value: int, sort: Any) -> Any:
        """The plain value of a ground value."""
        if sort is Bool:
            return bool(value)
        if value == UNSET:
            return None
        if sort is Quorum:
            return self.quorums[value]
        return sort.members[value] if issubclass(sort, Enum) else value

    def flat(self, value: Any, type_: Any) -> tuple[int, ...]:
        """The ground components of a plain value."""
        return tuple(self.encode(v, s) for v, (_, s) in zip(flatten(value, type_), components(type_), strict=True))

    def whole(self, parts: tuple[int, ...], type_: Any) -> Any:
        """The plain value with these ground components."""
        plain = tuple(self.decode(v, s) for v, (_, s) in zip(parts, components(type_), strict=True))
        return unflatten(plain, type_)


@frozen
class Region:
    """Where a primitive function lives in the flat state: `base` + row-major place. The last argument of a cell starts at 1."""

    function: Function
    base: int
    sizes: tuple[int, ...]

    firsts: tuple[int, ...] = field(init=False, eq=False, repr=False)
    """The smallest value of each argument."""
    strides: tuple[int, ...] = field(init=False, eq=False, repr=False)
    """How far apart neighbours are, per argument."""

    @firsts.default
    def _firsts(self) -> tuple[int, ...]:
        return tuple(1 if self.function.is_cell and i == len(self.sizes) - 1 else 0 for i in range(len(self.sizes)))

    @strides.default
    def _strides(self) -> tuple[int, ...]:
        found = [1]
        for size in reversed(self.sizes[1:]):
            found.append(found[-1] * size)
        return tuple(reversed(found)) if self.sizes else ()

    @property
    def width(self) -> int:
        """The number of leaves."""
        return prod(self.sizes)

    def place(self, index: tuple[int, ...]) -> int | None:
        """The leaf of an index, or None outside of the domain."""
        at = self.base
        for value, first, size, stride in zip(index, self.firsts, self.sizes, self.strides, strict=True):
            if not first <= value < first + size:
                return None
            at += (value - first) * stride
        return at


class Layout:
    """The flat state: regions of functions and one place per network, in the order of declaration."""

    def __init__(self, traced: TracedSpec, codec: Codec) -> None:
        self.codec, self.traced = codec, traced
        self.regions: dict[str, Region] = {}
        self.networks: dict[str, int] = {}
        self.width = 0
        for name in traced.spec.state.variables:
            if name in traced.networks:
                self.networks[name] = self.width
                self.width += 1
                continue
            for function in traced.functions.values():
                if function.variable == name:
                    sizes = [len(codec.domain(sort)) for sort in function.args]
                    if function.is_cell:
                        sizes[-1] -= 1
                    region = self.regions[function.name] = Region(function, self.width, tuple(sizes))
                    self.width += region.width

    def default(self) -> list[Any]:
        """The flat state of defaults and empty networks."""
        state: list[Any] = [()] * self.width
        for region in self.regions.values():
            low = self.codec.encode(default(region.function.result), region.function.result)
            state[region.base : region.base + region.width] = [low] * region.width
        return state

    def flat(self, frozen: tuple[Any, ...]) -> tuple[Any, ...]:
        """The flat state of a state in the plain reading's frozen form: the inverse of `plain`."""
        state = self.default()
        for (name, declaration), value in zip(self.traced.spec.state.variables.items(), frozen, strict=True):
            if not isinstance(declaration, FnDecl):
                record = declaration.record
                state[self.networks[name]] = tuple(sorted(self.codec.flat(message, record) for message in value))
                continue
            for at, cell in enumerate(value if declaration.args else (value,)):
                self._put(name, declaration, at, cell, state)
        return tuple(state)

    def _put(self, name: str, declaration: FnDecl, at: int, cell: Any, state: list[Any]) -> None:
        result = declaration.result
        rows = cell if isinstance(result, SeqOf) else (cell,)
        columns = [self.regions[f"{name}{suffix}"] for suffix, _ in components(_row(result))]
        longest = columns[0].sizes[-1] if isinstance(result, SeqOf) else 1
        if isinstance(result, SeqOf):
            state[self.regions[f"{name}.length"].base + at] = len(cell)
        for i, row in enumerate(rows):
            for column, part in zip(columns, self.codec.flat(row, _row(result)), strict=True):
                state[column.base + at * longest + i] = part

    def plain(self, state: tuple[Any, ...]) -> tuple[Any, ...]:
        """The plain reading's frozen form of a flat state."""
        found: list[Any] = []
        for name, declaration in self.traced.spec.state.variables.items():
            if not isinstance(declaration, FnDecl):
                record = declaration.record
                found.append(tuple(self.codec.whole(m, record) for m in state[self.networks[name]]))
                continue
            cells = tuple(self._cell(name, declaration, at, state) for at in range(self._cells(name, declaration)))
            found.append(cells if declaration.args else cells[0])
        return tuple(found)

    def _cells(self, name: str, declaration: FnDecl) -> int:
        result = declaration.result
        first = f"{name}.length" if isinstance(result, SeqOf) else f"{name}{components(result)[0][0]}"
        return self.regions[first].width

    def _cell(self, name: str, declaration: FnDecl, at: int, state: tuple[Any, ...]) -> Any:
        result = declaration.result
        if not isinstance(result, SeqOf):
            parts = tuple(state[self.regions[f"{name}{suffix}"].base + at] for suffix, _ in components(result))
            return self.codec.whole(parts, result)
        columns = [self.regions[f"{name}{suffix}"] for suffix, _ in components(result.record)]
        longest = columns[0].sizes[-1]
        return tuple(
            self.codec.whole(tuple(state[c.base + at * longest + i] for c in columns), result.record)
            for i in range(state[self.regions[f"{name}.length"].base + at])
        )


def _row(result: Any) -> Any:
    """What a function's result has components of: of a sequence, its record."""
    return result.record if isinstance(result, SeqOf) else result
