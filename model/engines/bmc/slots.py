"""Where the messages of a network are in a run of so many steps, so that none is lost for want of a place.

| network                                   | slots                                                                           |
|-------------------------------------------|---------------------------------------------------------------------------------|
| few messages are possible at all          | one per message                                                                 |
| only the newest of each key is kept       | one per key                                                                     |
| bag                                       | its capacity                                                                    |
| all others: sets that grow                | those of the first state, and then one for every message that a step may send   |

A set that grows has equal messages in several slots, which means the same as one.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import z3
from attrs import field, frozen

from model.engines.formulas import SLOT, Formulas, Slot, Vectors
from model.language.declare import BagDecl
from model.language.graph import Term
from model.language.ground import Expander
from model.language.ground_terms import values_of
from model.language.layout import Codec
from model.language.primitives import Network, key_places
from model.language.sorts import Bool, OptionOf, elements, is_record
from model.language.transition import Effect, Forget, Receive, Send

FEW = 32
"""So many possible messages are few."""

Contents = list[tuple[Any, list[Any]]]
"""Per slot whether there is a message, and its fields, as formulas."""


@frozen(eq=False)
class Mailbox:
    """One network of a spec: its slots at every moment of a run, and what effects do to them."""

    network: Network
    expander: Expander
    vectors: Vectors
    sends: int  # at most so many messages in one step
    _fixed: tuple[tuple[int, ...], ...] | None = field(init=False)
    _key: tuple[int, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        codec, key = self.expander.codec, key_places(self.network, self.expander.bounds)
        fixed: tuple[tuple[int, ...], ...] | None = None
        if not self.network.is_bag:
            if possible(codec, self.network.record) <= FEW:
                key = tuple(range(len(self.network.fields)))
                fixed = tuple(messages(codec, self.network.record))
            elif key:
                sorts = [self.network.fields[i][1] for i in key]
                ends = (values_of(sort, self.expander.layout) for sort in sorts)
                fixed = tuple(product(*(range(least, greatest + 1) for least, greatest in ends)))
        object.__setattr__(self, "_fixed", fixed)
        object.__setattr__(self, "_key", key)

    @property
    def grows(self) -> bool:
        """Whether every step brings slots of its own."""
        return self._fixed is None and not self.network.is_bag

    # ---- slots
    def first(self, sent: Sequence[tuple[int, ...]]) -> list[Slot]:
        """The slots of the first state, with these messages (ground values) in it."""
        if self._fixed is not None:
            rows = [next((m for m in sent if self._keyed(m) == key), None) for key in self._fixed]
        elif self.network.is_bag:
            rows = [*sent, *[None] * (self._capacity - len(sent))]
        else:
            rows = list(sent)
        low = tuple(0 for _ in self.network.fields)
        return [
            Slot(self.vectors.truth(row is not None), self._constants(row or self._unused(k, low)))
            for k, row in enumerate(rows)
        ]

    def next(self, before: Sequence[Slot], moment: int) -> list[Slot]:
        """The slots at a moment after the first."""
        made = [self._slot(k, moment, slot) for k, slot in enumerate(before)]
        if self.grows:
            made += [self._slot(len(before) + j, moment, None) for j in range(self.sends)]
        return made

    def _slot(self, k: int, moment: int, before: Slot | None) -> Slot:
        there = self.vectors.variable(f"{self.network.name}#{k}@{moment}", Bool)
        if self.grows and before is not None:
            return Slot(there, before.fields)  # a set that grows writes to new slots only
        names = enumerate(self.network.fields)
        graph = self.expander.graph
        fields = [graph.var(f"{self.network.name}.{name}@{moment}", SLOT, k, sort) for _, (name, sort) in names]
        if self._fixed is not None:
            for place, value in zip(self._key, self._fixed[k], strict=True):
                fields[place] = self.expander.constant(value, self.network.fields[place][1])
        return Slot(there, tuple(fields))

    def _keyed(self, message: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(message[i] for i in self._key)

    def _unused(self, k: int, low: tuple[int, ...]) -> tuple[int, ...]:
        """What is in an empty slot of the first state: its key, and anything."""
        if self._fixed is None:
            return low
        known = dict(zip(self._key, self._fixed[k], strict=True))
        return tuple(known.get(i, value) for i, value in enumerate(low))

    def _constants(self, message: tuple[int, ...]) -> tuple[Term, ...]:
        pairs = zip(message, self.network.fields, strict=True)
        return tuple(self.expander.constant(value, sort) for value, (_, sort) in pairs)

    @property
    def _capacity(self) -> int:
        declaration = self.network.declaration
        assert isinstance(declaration, BagDecl)
        return self.expander.bounds[declaration.bound]

    # ---- effects
    def contents(self, slots: Sequence[Slot], formulas: Formulas) -> Contents:
        """What is in the slots."""
        return [(slot.there, formulas.all(slot.fields)) for slot in slots]

    def after(self, before: Contents, effects: Sequence[Effect], formulas: Formulas) -> tuple[Contents, list[Any]]:
        """What is in the slots after some effects of one step, and what the step needs so that there is room."""
        found, needed = list(before), list[Any]()
        new: Contents = []
        for effect in effects:
            if isinstance(effect, Forget):
                found = [self._forget(effect, row, formulas) for row in found]
                new = [self._forget(effect, row, formulas) for row in new]
            elif isinstance(effect, Receive):
                found = list(self._receive(formulas.all(effect.fields), found))
            elif self.grows:
                new.append((self.vectors.truth(True), formulas.all(effect.fields)))
            else:
                needed += self._room(found)
                found = list(self._send(formulas.all(effect.fields), found))
        return [*found, *new], needed

    def _forget(self, effect: Forget, row: tuple[Any, list[Any]], formulas: Formulas) -> tuple[Any, list[Any]]:
        there, fields = row
        bound = [formulas.formula(v) for v in effect.bound]
        gone = z3.substitute(formulas.formula(effect.body), *zip(bound, fields, strict=True))
        return z3.And(there, z3.Not(gone)), fields

    def _receive(self, message: list[Any], rows: Contents) -> Iterator[tuple[Any, list[Any]]]:
        taken = self.vectors.truth(False)
        for there, fields in rows:
            hit = z3.And(there, z3.Not(taken), *(a == b for a, b in zip(fields, message, strict=True)))
            taken = z3.Or(taken, hit)
            yield z3.And(there, z3.Not(hit)), fields

    def _room(self, rows: Contents) -> Iterator[Any]:
        if self.network.is_bag:
            yield z3.Or(self.vectors.truth(False), *(z3.Not(there) for there, _ in rows))

    def _send(self, message: list[Any], rows: Contents) -> Iterator[tuple[Any, list[Any]]]:
        placed = self.vectors.truth(False)
        for there, fields in rows:
            if self.network.is_bag:
                here = z3.And(z3.Not(there), z3.Not(placed))
                placed = z3.Or(placed, here)
            else:
                here = z3.And(*(fields[i] == message[i] for i in self._key))
            yield z3.Or(here, there), [z3.If(here, new, old) for new, old in zip(message, fields, strict=True)]


def mailboxes(expander: Expander, vectors: Vectors, effects: Sequence[Sequence[Effect]]) -> dict[str, Mailbox]:
    """The networks of a spec; `effects` are those of each of its moves."""

    def most(name: str) -> int:
        counts = (sum(isinstance(e, Send) and e.network == name for e in own) for own in effects)
        return max(counts, default=0)

    return {name: Mailbox(n, expander, vectors, most(name)) for name, n in expander.traced.networks.items()}


def messages(codec: Codec, record: Any) -> Iterator[tuple[int, ...]]:
    """Every message of a record class within the bounds, as ground values."""
    for parts in product(*(_values(codec, sort) for sort in record.fields.values())):
        yield tuple(value for part in parts for value in part)


def _values(codec: Codec, sort: Any) -> list[tuple[int, ...]]:
    if is_record(sort):
        return list(messages(codec, sort))
    return [codec.flat(value, sort) for value in elements(sort, codec.bounds)]


def possible(codec: Codec, record: Any) -> int:
    """How many messages of a record class there are within the bounds."""
    return prod(_choices(codec, sort) for sort in record.fields.values())


def _choices(codec: Codec, sort: Any) -> int:
    if is_record(sort):
        return possible(codec, sort)
    return len(codec.domain(sort.sort)) + 1 if isinstance(sort, OptionOf) else len(codec.domain(sort))


__all__ = ["FEW", "Mailbox", "mailboxes", "messages", "possible"]
