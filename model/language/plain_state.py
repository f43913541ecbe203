"""A thawed state of the plain reading: what a spec's functions read and write, with a record of what was written.

Functions are dicts, sequences live references into them, networks sorted tuples of records. Every write goes to an undo log, so
that after an action only what changed is frozen, and then undone.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from model.language.declare import STALE, BagDecl, Declaration, FnDecl, MessagesDecl
from model.language.errors import SpecError
from model.language.sorts import Bounds, Member, SeqOf, default, elements
from model.language.words import Disabled

Undo = list[tuple[Any, Any, Any]]
_ABSENT: Any = object()


class CutStep(Exception):
    """A step whose new state would leave the bounds: not taken, and counted."""


def roll_back(undo: Undo) -> None:
    """Take back everything that was written, and empty the log."""
    for store, key, old in reversed(undo):
        if key is None and isinstance(store, MessageSet):
            store.items = old
        else:
            dict.__setitem__(store, key, old)
    undo.clear()


def message_key(message: tuple[Any, ...]) -> tuple[Any, ...]:
    """The canonical order of messages: field by field, NONE first, enum members in order of declaration."""
    return tuple(_field_key(value) for value in message)


def _field_key(value: Any) -> int:
    if value is None:
        return -1
    if isinstance(value, str):
        return value.place if isinstance(value, Member) else 0
    return int(value)


class Cells(dict[Any, Any]):
    """A state function: argument (or tuple of arguments) -> value. Reading is plain dict access; writes are recorded."""

    __slots__ = ("decl", "domains", "name", "undo")

    def __init__(self, name: str, decl: FnDecl, domains: list[tuple[Any, ...]], undo: Undo) -> None:
        super().__init__()
        self.name, self.decl, self.domains, self.undo = name, decl, domains, undo

    def keys_in_order(self) -> Iterator[Any]:
        """The arguments of the function in domain order."""
        if len(self.domains) == 1:
            return iter(self.domains[0])
        return product(*self.domains)

    def __missing__(self, key: Any) -> Any:
        """Beyond the bounds a total function still has a value: that of a state in which nothing happened there."""
        self._check_arity(key)
        return default(self.decl.result)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, slice) or (isinstance(key, tuple) and any(isinstance(k, slice) for k in key)):
            self._write_row(key if isinstance(key, tuple) else (key,), value)
            return
        self.store(key, value)

    def store(self, key: Any, value: Any) -> None:
        """Write one cell; a key beyond the bounds cuts the step."""
        old = self.get(key, _ABSENT)
        if old is _ABSENT:
            self._check_arity(key)
            raise CutStep
        self.undo.append((self, key, old))
        dict.__setitem__(self, key, value)

    def _check_arity(self, key: Any) -> None:
        """One argument missing or too many is a mistake of the spec, not a place beyond the bounds."""
        given, wanted = len(key) if isinstance(key, tuple) else 1, len(self.domains)
        if given != wanted:
            raise SpecError(f"s.{self.name} takes {wanted} arguments, not {given}", "give one per sort, or : for a row")

    def _write_row(self, key: tuple[Any, ...], value: Any) -> None:
        self._check_arity(key)
        free = [i for i, k in enumerate(key) if isinstance(k, slice)]
        choices = [self.domains[i] if isinstance(k, slice) else (k,) for i, k in enumerate(key)]
        rows = [(full, value(*(full[i] for i in free)) if callable(value) else value) for full in product(*choices)]
        for full, cell in rows:  # evaluated above, before the first write: a row may mention itself
            self.store(full if len(full) > 1 else full[0], cell)


class SeqCells(Cells):
    """A state function to sequences: reading gives a live reference."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> "SeqRef":
        return SeqRef(self, key)

    def store(self, key: Any, value: Any) -> None:
        """Write one sequence: copy from a reference or take the tuple."""
        super().store(key, value.items if isinstance(value, SeqRef) else value)


class SeqRef:
    """A live reference to one sequence of the state: it sees later writes; an element read from it is a snapshot."""

    __slots__ = ("cells", "key")

    def __init__(self, cells: SeqCells, key: Any) -> None:
        self.cells, self.key = cells, key

    @property
    def items(self) -> tuple[Any, ...]:
        """The elements as a plain tuple."""
        found: tuple[Any, ...] | None = self.cells.get(self.key)
        return self.cells.__missing__(self.key) if found is None else found

    @property
    def length(self) -> int:
        """The number of elements."""
        return len(self.items)

    @property
    def last(self) -> Any:
        """The last element, or the default record of an empty sequence."""
        items = self.items
        return items[-1] if items else default(self.cells.decl.result.record)

    def __getitem__(self, position: int) -> Any:
        """The element at position 1 .. length; the default record elsewhere (reads are total)."""
        items = self.items
        return items[position - 1] if 1 <= position <= len(items) else default(self.cells.decl.result.record)

    def append(self, record: Any) -> None:
        """Add one element at the end."""
        self.cells.store(self.key, (*self.items, record))

    def truncate(self, length: int) -> None:
        """Keep the first `length` elements (all of them if there are fewer)."""
        if length < 0:
            raise SpecError(f"truncate({length})", "a length is 0 or more")
        self.cells.store(self.key, self.items[:length])

    def pop_first(self) -> None:
        """Drop the first element (a FIFO channel's head); an empty sequence stays empty."""
        self.cells.store(self.key, self.items[1:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SeqRef) and self.items == other.items

    def __hash__(self) -> int:
        raise SpecError("hash of a sequence reference", "compare sequences, do not put them in sets")


class MessageSet:
    """A grow-only set of messages, kept as a sorted tuple."""

    __slots__ = ("decl", "items", "keep_newest", "key_places", "name", "undo")

    def __init__(self, name: str, decl: MessagesDecl, bounds: Bounds, undo: Undo) -> None:
        self.name, self.decl, self.undo = name, decl, undo
        self.items: tuple[Any, ...] = ()
        self.keep_newest = bool(decl.newest) and bounds[STALE] == 0
        names = list(decl.record.fields)
        self.key_places = tuple(names.index(field) for field in decl.newest)

    def _replace(self, items: list[Any]) -> None:
        self.undo.append((self, None, self.items))
        self.items = tuple(sorted(items, key=message_key))

    def send(self, message: Any) -> None:
        """Add a message; under `stale=0` it replaces the one with the same key."""
        _check_class(message, self.decl.record)
        items = [m for m in self.items if m != message]
        if self.keep_newest:
            key = [message[i] for i in self.key_places]
            items = [m for m in items if [m[i] for i in self.key_places] != key]
        self._replace([*items, message])

    def forget(self, chosen: Callable[[Any], Any]) -> None:
        """Remove the messages that satisfy the condition: nobody awaits them any more."""
        items = [m for m in self.items if not chosen(m)]
        if len(items) < len(self.items):
            self._replace(items)

    def contains(self, message: Any) -> bool:
        """Whether the message has been sent (and not forgotten)."""
        return message in self.items

    def forall(self, body: Callable[[Any], Any]) -> bool:
        """Whether all messages satisfy the body."""
        return all(body(m) for m in self.items)

    def exists(self, body: Callable[[Any], Any]) -> bool:
        """Whether some message satisfies the body."""
        return any(body(m) for m in self.items)


class MessageBag(MessageSet):
    """A bounded multiset of messages; `receive` takes one out."""

    __slots__ = ("capacity",)

    def __init__(self, name: str, decl: BagDecl, bounds: Bounds, undo: Undo) -> None:
        super().__init__(name, MessagesDecl(decl.record, ()), bounds, undo)
        self.capacity = bounds[decl.bound]

    def send(self, message: Any) -> None:
        """Add one copy; beyond the capacity the step is cut."""
        _check_class(message, self.decl.record)
        if len(self.items) >= self.capacity:
            raise CutStep
        self._replace([*self.items, message])

    def receive(self, message: Any) -> None:
        """Take one copy out; the action is disabled if there is none."""
        if message not in self.items:
            raise Disabled(None, 0)
        items = list(self.items)
        items.remove(message)
        self._replace(items)


def _check_class(message: Any, record: Any) -> None:
    if type(message) is not record:
        raise SpecError(f"{message!r} sent where {record!r} belongs", f"send a {record!r}")


class PlainState:
    """A thawed state. Functions and networks are attributes; single values (`Var`) are properties of a generated subclass."""

    def __init__(self, variables: Mapping[str, Declaration], bounds: Bounds) -> None:
        undo: Undo = []
        stores: list[Any] = []
        for name, declaration in variables.items():
            store: Any
            if isinstance(declaration, MessagesDecl):
                store = MessageSet(name, declaration, bounds, undo)
            elif isinstance(declaration, BagDecl):
                store = MessageBag(name, declaration, bounds, undo)
            else:
                kind = SeqCells if isinstance(declaration.result, SeqOf) else Cells
                store = kind(name, declaration, [elements(s, bounds) for s in declaration.args], undo)
                for key in store.keys_in_order() if declaration.args else ((),):
                    dict.__setitem__(store, key, default(declaration.result))
            stores.append(store)
            object.__setattr__(self, slot_of(name, declaration), store)
        object.__setattr__(self, "_stores", stores)
        object.__setattr__(self, "_undo", undo)

    def __getattr__(self, name: str) -> Any:
        raise SpecError(f"no state variable {name!r}", f"declare it in the State class; there are {_known(self)}")

    def __setattr__(self, name: str, value: Any) -> None:
        # Var properties live on the generated class and are found before this; everything else is a mistake.
        found = getattr(type(self), name, None)
        if isinstance(found, property):
            found.__set__(self, value)
            return
        raise SpecError(f"assignment to s.{name} as a whole", f"assign s.{name}[...] for one argument or row")


def slot_of(name: str, declaration: Declaration) -> str:
    """The attribute that stores a variable: single values hide behind a property of the same name."""
    return f"_var_{name}" if isinstance(declaration, FnDecl) and not declaration.args else name


def _known(state: PlainState) -> str:
    return ", ".join(store.name for store in state.__dict__["_stores"])


def state_class(variables: Mapping[str, Declaration]) -> type[PlainState]:
    """PlainState with a property for each single value (`Var`)."""

    def single(name: str) -> property:
        slot = f"_var_{name}"

        def read(state: PlainState) -> Any:
            return state.__dict__[slot][()]

        def write(state: PlainState, value: Any) -> None:
            state.__dict__[slot].store((), value)

        return property(read, write)

    singles = {n: single(n) for n, d in variables.items() if isinstance(d, FnDecl) and not d.args}
    return type("PlainState", (PlainState,), singles)
