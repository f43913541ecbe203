"""State declarations: a spec's state is named total functions over sorts, and message networks.

    class KRaft(State):
        epoch = Fn(Node, Epoch)                      # s.epoch[n]
        leader = Fn(Node, Option[Node])              # s.leader[n] == NONE
        log = Fn(Node, Seq[Entry, Index])            # s.log[n].length, s.log[n][i], .append(...), .truncate(k)
        grants = Fn(Node, Node, Bool)                # s.grants[c, v]; a whole row: s.grants[c, :] = lambda v: v == c
        aux_elections = Var(Elections)               # s.aux_elections
        vote_requests = Messages(VoteRequest)        # grow-only set
        in_flight = Bag(Packet, bound="inflight")    # bounded multiset, consumed by receive
        requests = Fn(Node, Node, Option...)         # per-pair slots are ordinary functions; FIFO channels are functions to Seq

Names tell what a variable is for: `ghost_` is history for properties and proofs (no guard may read it), `aux_` counts for
bounds. Both prefixes are conventions that engines and checks rely on.

Networks. A `Messages` set only grows: a message may be received any number of times, in any order, late or never, so loss,
duplication, reordering and staleness need no actions of their own. `newest=(fields)` names a key: under the bound `stale=0`
a sender's newer message with the same key replaces the one before (older ones count as lost: an under-approximation, printed
with the verdict); under `stale=1` every message ever sent stays deliverable. `forget` removes messages that nobody awaits any
more (a response whose correlation id was dropped). A `Bag` holds up to `bound` messages, equal ones counted; `receive` takes one out. FIFO
channels are `Fn(Node, Node, Seq[Packet, Position])`, with `append` and `pop_first`.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from attrs import frozen

from model.language.errors import SpecError
from model.language.sorts import (
    Abstract,
    Bool,
    OptionOf,
    Ordinal,
    Quorum,
    Record,
    SeqOf,
    SortMeta,
    is_record,
)

STALE = "stale"
"""Bound of networks with a `newest` key: 0 keeps the newest message per key, 1 keeps all."""


@frozen
class FnDecl:
    """A total function: sorts of the arguments, type of the result."""

    args: tuple[Any, ...]
    result: Any


@frozen
class MessagesDecl:
    """A grow-only set of records; `newest` are the fields of the key under `stale=0` (empty: no key, all are kept)."""

    record: Any
    newest: tuple[str, ...]


@frozen
class BagDecl:
    """A multiset of at most `bound` records."""

    record: Any
    bound: str


Declaration = FnDecl | MessagesDecl | BagDecl


def Fn(*sorts: Any) -> Any:
    """A total function from all sorts but the last to the last: `Fn(Node, Epoch)`. The result may be an Option, a Seq or a Record."""
    if len(sorts) < 2:
        raise SpecError(
            "Fn needs at least one argument and a result", "write Fn(Node, Epoch), or Var(Epoch) without arguments"
        )
    return _function(sorts[:-1], sorts[-1])


def Var(sort: Any) -> Any:
    """A single value: `aux_elections = Var(Elections)`, read as `s.aux_elections`."""
    return _function((), sort)


def _function(args: tuple[Any, ...], result: Any) -> FnDecl:
    for sort in args:
        if not isinstance(sort, SortMeta) or is_record(sort):
            raise SpecError(f"argument sort {sort!r}", "arguments are basic sorts: Node, Epoch, an Enum, ...")
    if isinstance(result, SortMeta) and not is_record(result) and issubclass(result, Abstract | Quorum):
        raise SpecError(
            f"a function to {result!r}, which has no element to start from", f"write Option[{result!r}] for the result"
        )
    if not isinstance(result, SortMeta | OptionOf | SeqOf):
        raise SpecError(f"result type {result!r}", "use a basic sort, an Option, a Seq or a Record")
    return FnDecl(args, result)


def Messages(record: type[Record], newest: tuple[str, ...] = ()) -> Any:
    """A grow-only set of messages."""
    _check_record(record)
    for name in newest:
        if name not in record.fields:
            raise SpecError(f"{record!r} has no field {name!r}", f"its fields are {', '.join(record.fields)}")
    return MessagesDecl(record, newest)


def Bag(record: type[Record], bound: str) -> Any:
    """A bounded multiset of messages; `bound` names its capacity."""
    _check_record(record)
    return BagDecl(record, bound)


def _check_record(record: Any) -> None:
    if not is_record(record):
        raise SpecError(f"a network of {record!r}", "a network holds a Record class")


class State:
    """Base of a spec's state. Instances belong to readings; authors only annotate with the class."""

    variables: ClassVar[dict[str, Declaration]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.variables = {
            name: value
            for base in reversed(cls.__mro__)
            for name, value in vars(base).items()
            if isinstance(value, FnDecl | MessagesDecl | BagDecl)
        }


def network_of(state: type[State], record: Any) -> str:
    """The network that carries a record class: what `request: VoteRequest` in an action's parameters ranges over."""
    names = [n for n, d in state.variables.items() if isinstance(d, MessagesDecl | BagDecl) and d.record is record]
    if len(names) != 1:
        raise SpecError(
            f"a parameter of type {record!r}, which {'no network' if not names else 'several networks'} of "
            f"{state.__name__} carries",
            "declare one network per message class",
        )
    return names[0]


def bounds_of(state: type[State], parameters: Iterator[Any]) -> dict[str, int]:
    """The bounds that a state (and the parameters of its actions) needs: name -> least sensible value."""
    least: dict[str, int] = {}

    def visit(sort: Any) -> None:
        if is_record(sort):
            for field_sort in sort.fields.values():
                visit(field_sort)
        elif isinstance(sort, OptionOf):
            visit(sort.sort)
        elif isinstance(sort, SeqOf):
            visit(sort.record)
            visit(sort.index)
        elif sort is Quorum:
            least["nodes"] = 1
        elif issubclass(sort, Abstract):
            least[sort.bound] = 1
        elif issubclass(sort, Ordinal):
            least[sort.bound] = 0

    for declaration in state.variables.values():
        if isinstance(declaration, FnDecl):
            for sort in (*declaration.args, declaration.result):
                visit(sort)
        else:
            visit(declaration.record)
            if isinstance(declaration, BagDecl):
                least[declaration.bound] = 0
            elif declaration.newest:
                least[STALE] = 0
    for sort in parameters:
        visit(sort)
    return least


__all__ = [
    "STALE",
    "Bag",
    "BagDecl",
    "Bool",
    "Declaration",
    "Fn",
    "FnDecl",
    "Messages",
    "MessagesDecl",
    "State",
    "Var",
    "bounds_of",
    "network_of",
]
