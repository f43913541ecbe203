"""Looking at a state through some nodes' parts only.

Whether a step refines depends on the parts of the nodes that it involves: their values of the state's functions, and the messages
that belong to them (to the node in a message's first field of that sort). Few such combinations differ, so each is looked at once.
What is no node's is the part of one more, counted after the nodes (`Parts.shared`). Everything else is *unseen* and refuses every
use: what is decided by looking at less than it needs is an error, never a wrong result.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, NoReturn

from attrs import frozen

from model.engines.refine.refinement import is_by_node
from model.language import Node, Spec, SpecError, unknown
from model.language.ground_spec import GroundSpec
from model.language.plain import Stepper
from model.language.plain_state import MessageSet, state_class
from model.language.sorts import Bounds, elements


class Unseen(Exception):
    """Something of a node that is not involved was used."""


class _Unseen:
    """The value of whatever belongs to a node that is not involved."""

    def _refuse(self, *_: object) -> NoReturn:
        raise Unseen

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __hash__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __index__ = __iter__ = __len__ = __contains__ = __getitem__ = _refuse


UNSEEN = _Unseen()


Cell = tuple[str, Any, Any]
"""A variable, an argument, and the value there."""


@frozen(eq=False)
class Part:
    """What belongs to one node: its cells of the variables, and per network its messages, if there are any."""

    node: int
    cells: tuple[Cell, ...]
    messages: tuple[tuple[str, tuple[Any, ...]], ...]


def owner_of(key: Any) -> Any:
    """The node to which a cell belongs."""
    return key[0] if isinstance(key, tuple) else key


class Window:
    """A thawed state of which the cells of some nodes are seen, and only of the variables named; messages as they are given.

    The other variables keep their default values if they are `free`, and are unseen else.
    """

    def __init__(self, spec: Spec, bounds: Bounds, names: Iterable[str], free: frozenset[str] = frozenset()) -> None:
        self.state: Any = state_class(spec.state.variables)(spec.state.variables, bounds)
        self.stores = {store.name: store for store in self.state.__dict__["_stores"]}
        self.names = tuple(n for n in names if not isinstance(self.stores[n], MessageSet))
        self.networks = tuple(n for n, store in self.stores.items() if isinstance(store, MessageSet))
        self._by_node = frozenset(n for n in self.names if is_by_node(spec.state.variables[n]))
        self._nobody = len(elements(Node, bounds))
        for name, store in self.stores.items():
            if not isinstance(store, MessageSet) and name not in free:
                for key in list(store):
                    dict.__setitem__(store, key, UNSEEN)
        self._shown: tuple[Part, ...] = ()

    def show(self, parts: tuple[Part, ...]) -> None:
        """See these parts and nothing else."""
        stores, put = self.stores, dict.__setitem__
        nodes = [part.node for part in parts]
        for part in self._shown:
            if part.node not in nodes:
                for name, key, _ in part.cells:
                    put(stores[name], key, UNSEEN)
            for name, _ in part.messages:
                stores[name].items = ()
        for part in parts:
            for name, key, value in part.cells:
                put(stores[name], key, value)
            for name, messages in part.messages:
                stores[name].items = joined(stores[name].items, messages)
        self._shown = parts

    def owner(self, name: str, key: Any) -> int:
        """Whose part a cell is in."""
        return int(owner_of(key)) if name in self._by_node else self._nobody

    def taken(self, node: int) -> Part:
        """What is seen of one node now, and all messages."""
        cells = tuple(
            (name, key, value)
            for name in self.names
            for key, value in dict.items(self.stores[name])
            if self.owner(name, key) == node
        )
        return Part(node, cells, tuple((n, m) for n in self.networks if (m := self.stores[n].items)))


def joined(some: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    """Two message sets together."""
    return (*some, *(m for m in more if m not in some)) if some else more


class Parts:
    """States of a ground spec as tuples of numbers, one per node and one for what is shared, if anything is; equal parts: equal numbers."""

    def __init__(self, source: GroundSpec, reads: tuple[str, ...]) -> None:
        self.source, spec, layout = source, source.spec, source.layout
        for name in reads:
            if name not in spec.state.variables:
                raise SpecError(unknown("variable", name, spec.state.variables, f"of {spec.name}"), "see `reads`")
        self._networks = tuple(n for n in reads if n in layout.networks)
        self._variables = tuple(n for n in reads if n not in layout.networks)
        servers = tuple(layout.codec.domain(Node))
        self._by_node = frozenset(n for n in self._variables if is_by_node(spec.state.variables[n]))
        self.shared = (len(servers),) if len(self._by_node) < len(self._variables) else ()
        self.nodes = (*servers, *self.shared)
        self._cells = [itemgetter(*self._places(n)) for n in self.nodes]
        self._owned = [(layout.networks[n], self._owner(n)) for n in self._networks]
        self._split: list[dict[Any, tuple[Any, ...]]] = [{} for _ in self._owned]
        self._numbers: list[dict[Any, int]] = [{} for _ in self.nodes]
        self._stepper = Stepper(spec, source.bounds, coverage=False)
        self.contents: list[list[Part]] = [[] for _ in self.nodes]

    def _places(self, node: int) -> list[int]:
        """Where a node's cells are in a flat state."""
        found: list[int] = []
        for region in self.source.layout.regions.values():
            name = region.function.variable
            if node in self.shared:
                if name in self._variables and name not in self._by_node:
                    found += range(region.base, region.base + region.width)
            elif name in self._by_node:
                stride = region.width // region.sizes[0]
                found += range(region.base + node * stride, region.base + (node + 1) * stride)
        return found

    def _owner(self, network: str) -> int:
        """The place of a message's first Node among its components."""
        for place, (name, sort) in enumerate(self.source.traced.networks[network].fields):
            if sort is Node and "." not in name:
                return place
        raise SpecError(f"messages of {network} name no node", "map node by node")

    def of(self, state: tuple[Any, ...]) -> tuple[int, ...]:
        """The numbers of a state's parts."""
        shares = []
        for (place, owner), known in zip(self._owned, self._split, strict=True):
            messages = state[place]
            share = known.get(messages)
            if share is None:
                share = known[messages] = tuple(tuple(m for m in messages if m[owner] == n) for n in self.nodes)
            shares.append(share)
        found = []
        for n in self.nodes:
            key = (self._cells[n](state), *[share[n] for share in shares])
            number = self._numbers[n].get(key)
            if number is None:
                number = self._numbers[n][key] = len(self.contents[n])
                self.contents[n].append(self._content(state, n))
            found.append(number)
        return tuple(found)

    def _content(self, state: tuple[Any, ...], node: int) -> Part:
        """A node's part in plain values."""
        stores = {store.name: store for store in self._stepper.thaw(self.source.plain(state)).__dict__["_stores"]}
        owners = {n: list(stores[n].decl.record.fields.values()).index(Node) for n in self._networks}
        cells = tuple(
            (name, key, value)
            for name in self._variables
            for key, value in dict.items(stores[name])
            if (owner_of(key) == node if name in self._by_node else node in self.shared)
        )
        owned = ((name, tuple(m for m in stores[name].items if m[owner] == node)) for name, owner in owners.items())
        return Part(node, cells, tuple((name, messages) for name, messages in owned if messages))
