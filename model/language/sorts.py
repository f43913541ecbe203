"""Sorts: the types a spec is written in.

A sort is a *class* that is never instantiated, so that `def vote(s: KRaft, voter: Node)` is an ordinary annotation for type
checkers and "for some node" for the engines. There are five kinds:

| kind     | declared as                              | elements within bounds      | operations          |
|----------|------------------------------------------|-----------------------------|---------------------|
| Abstract | `class Node(Abstract, bound="nodes")`    | `nodes` anonymous elements  | `==`                |
| Ordinal  | `class Epoch(Ordinal, bound="epochs")`   | 0 .. `epochs`               | `== < <= + -`, 0, 1 |
| Enum     | `class Role(Enum): LEADER = member()`    | its members                 | `==`                |
| Bool     | `Bool`                                   | False, True                 | `& \\| Not implies` |
| Quorum   | `Quorum`                                 | the majorities of `Node`    | `member(n, q)`      |

and three ways of building on them: `Record` (a named tuple of sorts), `Option[T]` (a T or NONE), `Seq[R, I]` (a sequence
of records R indexed 1 .. length by the ordinal I). An Epoch is not an Index and a Node is not an integer: the tracer
refuses to mix them. Bounds are data given to an engine, never part of a sort.
"""

from collections.abc import Mapping
from functools import cache
from itertools import combinations
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_type_hints

from model.language.errors import BoundsError, SpecError, author_line

Bounds = Mapping[str, int]
"""Bound name -> largest value (ordinals) or number of elements (abstract sorts)."""

NONE: Any = None
"""The empty Option: `s.leader[n] == NONE`, `s.leader[n] = NONE`."""


class SortMeta(type):
    """Prints a sort by its name, so that errors and tables read like the spec."""

    def __repr__(cls) -> str:
        return cls.__name__


class Sort(metaclass=SortMeta):
    """Base of the basic sorts. The operators exist for type checkers only; a sort is never instantiated."""

    if TYPE_CHECKING:

        def __eq__(self, other: object) -> Any: ...
        def __ne__(self, other: object) -> Any: ...
        def __hash__(self) -> int: ...
        def __add__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...


class Abstract(Sort):
    """Elements without names or order; `bound` names how many there are."""

    bound: ClassVar[str] = ""

    def __init_subclass__(cls, bound: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.bound = bound or cls.bound


class Ordinal(Sort):
    """Natural numbers 0, 1, ...; `bound` names the largest. A step that would exceed it is cut by the engine."""

    bound: ClassVar[str] = ""

    def __init_subclass__(cls, bound: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.bound = bound or cls.bound


class Node(Abstract, bound="nodes"):
    """A server of the ensemble or quorum."""


class Bool(Sort):
    """A truth value."""


class Quorum(Sort):
    """A majority of the nodes."""


class Member(str):
    """A member of an Enum: a string in traces, with its enum and its place in it."""

    enum: Any
    place: int
    __slots__ = ("enum", "place")


def member() -> Any:
    """Declare one member of an Enum: `LEADER = member()`."""
    return _MEMBER


_MEMBER = object()


class Enum(Sort):
    """A finite sort of named members, in the order of their declaration; the first is the default."""

    members: ClassVar[tuple[Member, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found: list[Member] = []
        for name, value in list(vars(cls).items()):
            if value is _MEMBER:
                item = Member(name)
                item.enum, item.place = cls, len(found)
                setattr(cls, name, item)
                found.append(item)
        cls.members = tuple(found)


class OptionOf:
    """The type `Option[T]`: NONE or an element of the basic sort T."""

    def __init__(self, sort: type[Sort]) -> None:
        self.sort = sort

    def __repr__(self) -> str:
        return f"Option[{self.sort!r}]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OptionOf) and self.sort is other.sort

    def __hash__(self) -> int:
        return hash((OptionOf, self.sort.__name__))


class SeqOf:
    """The type `Seq[R, I]`: a sequence of records R; positions are 1 .. length, of the ordinal sort I."""

    def __init__(self, record: "type[Record]", index: type[Ordinal]) -> None:
        self.record = record
        self.index = index

    def __repr__(self) -> str:
        return f"Seq[{self.record!r}, {self.index!r}]"


T = TypeVar("T")
I_ = TypeVar("I_")

if TYPE_CHECKING:

    class Option(Sort, Generic[T]):
        """NONE or an element of T."""

    class Seq(Sort, Generic[T, I_]):
        """A sequence of T, indexed by I_."""

else:

    class Option:
        """`Option[T]` is the type of NONE or an element of T."""

        def __class_getitem__(cls, sort: type[Sort]) -> OptionOf:
            if not (isinstance(sort, SortMeta) and issubclass(sort, Sort)):
                raise SpecError(f"Option of {sort!r}", "an Option holds a basic sort (Node, Epoch, ...)")
            return OptionOf(sort)

    class Seq:
        """`Seq[R, I]` is the type of a sequence of records R indexed by the ordinal I."""

        def __class_getitem__(cls, of: tuple[Any, Any]) -> SeqOf:
            record, index = of if isinstance(of, tuple) and len(of) == 2 else (None, None)
            if not (isinstance(record, type) and issubclass(record, Record)):
                raise SpecError(f"Seq of {of!r}", "write Seq[SomeRecord, SomeOrdinal]")
            if not (isinstance(index, type) and issubclass(index, Ordinal)):
                raise SpecError(f"a sequence indexed by {index!r}", "positions are of an Ordinal sort, such as Index")
            return SeqOf(record, index)


SortLike = Any
"""A basic sort class, an OptionOf, a SeqOf or a Record class."""


class Symbolic:
    """Marker base of the values of symbolic readings: words and records hand over to the reading of such a value."""

    __slots__ = ()


class RecordMeta(SortMeta):
    """Turns the annotations of a Record into fields, in order."""

    fields: "dict[str, Any]"

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> "RecordMeta":
        cls = super().__new__(mcs, name, bases, {"__slots__": (), **namespace})
        cls.fields = {}
        if any(isinstance(base, RecordMeta) for base in bases):
            hints = {n: h for n, h in get_type_hints(cls).items() if n != "fields"}
            for position, (field_name, sort) in enumerate(hints.items()):
                if not (isinstance(sort, OptionOf) or (isinstance(sort, SortMeta) and issubclass(sort, Sort))):
                    raise SpecError(
                        f"field {field_name} of record {name} has type {sort!r}",
                        "a field is a basic sort or an Option of one",
                        author_line(),
                    )
                cls.fields[field_name] = sort
                setattr(cls, field_name, property(itemgetter(position)))
        return cls


class Record(tuple[Any, ...], metaclass=RecordMeta):
    """A value with named fields, compared by its fields.

    On plain values it is a tuple. Given a symbolic value for any field, the constructor returns the record of the symbolic
    reading instead, so that `VoteRequest(candidate=n, ...)` means the same in every reading.
    """

    fields: ClassVar[dict[str, Any]]

    def __new__(cls, **values: Any) -> Any:
        try:
            row = [values.pop(name) for name in cls.fields]
        except KeyError as missing:
            raise SpecError(
                f"{cls.__name__} without its field {missing.args[0]}", f"give all of {', '.join(cls.fields)}"
            ) from None
        if values:
            raise SpecError(
                f"{cls.__name__} has no field {', '.join(sorted(values))}", f"its fields are {', '.join(cls.fields)}"
            )
        for value in row:
            if isinstance(value, Symbolic):
                from model.language.reading import current  # noqa: PLC0415 - reading needs the errors, not the sorts

                return current().record(cls, row)
        return tuple.__new__(cls, row)

    @classmethod
    def of(cls, row: "tuple[Any, ...] | list[Any]") -> Any:
        """The plain record with these field values, in the order of the fields (no checks)."""
        return tuple.__new__(cls, row)

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={value!r}" for name, value in zip(type(self).fields, self, strict=True))
        return f"{type(self).__name__}({inner})"


def is_record(sort: SortLike) -> bool:
    """Whether a type is a Record class."""
    return isinstance(sort, RecordMeta)


@cache
def default(sort: SortLike) -> Any:
    """The plain value that a state function has before `init` says otherwise.

    False, 0, the first member, NONE, the empty sequence, the record of defaults. Abstract sorts and Quorum have no element
    that could be named, so theirs is None ("unset"); declarations refuse them as results outside of an Option.
    """
    if is_record(sort):
        return sort.of([default(field) for field in sort.fields.values()])
    if isinstance(sort, SeqOf):
        return ()
    if isinstance(sort, OptionOf) or issubclass(sort, Abstract | Quorum):
        return None
    if issubclass(sort, Enum):
        return sort.members[0]
    return False if sort is Bool else 0


def elements(sort: SortLike, bounds: Bounds) -> tuple[Any, ...]:
    """All plain values of a basic sort or an Option within the bounds, in the deterministic order of every engine."""
    if isinstance(sort, OptionOf):
        return (None, *elements(sort.sort, bounds))
    if issubclass(sort, Abstract):
        return tuple(range(_bound(sort, bounds)))
    if issubclass(sort, Ordinal):
        return tuple(range(_bound(sort, bounds) + 1))
    if issubclass(sort, Enum):
        return sort.members
    if sort is Bool:
        return (False, True)
    if sort is Quorum:
        nodes = elements(Node, bounds)
        return tuple(q for size in range(len(nodes) // 2 + 1, len(nodes) + 1) for q in combinations(nodes, size))
    raise SpecError(f"no elements for {sort!r}", "quantify over a basic sort")


def _bound(sort: Any, bounds: Bounds) -> int:
    try:
        return bounds[sort.bound]
    except KeyError:
        raise BoundsError(f"no bound {sort.bound!r} for the sort {sort!r}: give --bounds {sort.bound}=N") from None
