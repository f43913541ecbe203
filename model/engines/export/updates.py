"""What a step writes, as TLA+: `[epoch EXCEPT ![n] = e]`, `Append(@, entry)`, set expressions for networks."""

import re
from collections.abc import Mapping
from itertools import pairwise

from attrs import frozen

from model.engines.export.layout import Choice, Doc, Headed, Listing, Row, Text
from model.engines.export.terms import ATOM, Terms
from model.engines.export.vocabulary import Variable
from model.language.graph import Graph, Term
from model.language.primitives import Network
from model.language.sorts import Bool, SeqOf, default
from model.language.transition import Effect, Forget, Receive, Send, Update

_APPLICABLE = re.compile(r"@|[\w']+(\[\w+\])*|\[.*\](\[\w+\])*")
"""A function to which an argument can be applied without brackets."""


@frozen(eq=False)
class Write:
    """One write to a variable: where, and the updates of the variable's primitive functions."""

    parts: tuple[Update, ...]

    @property
    def key(self) -> tuple[Term, ...]:
        """The argument, wildcards included."""
        return self.parts[0].index

    @property
    def wild(self) -> tuple[Term, ...]:
        """The wildcards, in order."""
        return self.parts[0].bound


class Updates:
    """Writes the new values of variables."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.words, self.graph = terms, terms.words, terms.graph

    # ---- functions
    def variable(self, variable: Variable, updates: Mapping[str, tuple[Update, ...]], base: str | None) -> Doc:
        """The value of a variable after updates of its primitive functions; before them it is `base`, or the default (None)."""
        scope = self.words.scope
        by_function = [updates[f] for f in variable.functions]
        writes = [Write(parts) for parts in zip(*by_function, strict=True)]
        kept = [w for i, w in enumerate(writes) if isinstance(variable.type, SeqOf) or not _hidden(w, writes[i + 1 :])]
        clauses: list[Doc] = []
        current: Doc
        with scope.inner():  # the value after one write may stand inside of a binder of the next
            with scope.held():
                current = self.default(variable) if base is None else Text(base)
            for write in kept:
                explicit = _explicit_prefix(write)
                with scope.held():
                    if explicit:
                        clauses.append(self._clause(variable, write, explicit))
                    else:
                        current = self._over(variable, write, _applied(current, clauses), write.key)
                        clauses = []
        return _applied(current, clauses)

    def _clause(self, variable: Variable, write: Write, explicit: int) -> Doc:
        """`![n][m] = value`."""
        place = "!" + "".join(f"[{self.terms.flat(i)}]" for i in write.key[:explicit])
        return Headed(f"{place} =", self._over(variable, write, Text("@"), write.key[explicit:]))

    def _over(self, variable: Variable, write: Write, old: Doc, key: tuple[Term, ...]) -> Doc:
        """The new value at what is left of a key; `old` is the value before."""
        if not key:
            return self._value(variable, write, old)
        head, rest = key[0], key[1:]
        if not _is_wild(head, write):
            inner = self._over(variable, write, Text("@"), rest)
            return Listing(f"[{_bracketed(old)} EXCEPT ", (Row((Text(f"![{self.terms.flat(head)}] = "), inner)),), "]")
        with self.terms.binding((head,)) as (name,):
            inner = self._over(variable, write, Text(f"{_bracketed(old)}[{name}]"), rest)
            return _function(name, self.words.domain(head.sort), inner)

    def _value(self, variable: Variable, write: Write, old: Doc) -> Doc:
        if isinstance(variable.type, SeqOf):
            return self._sequence(variable, write, old)
        return self.terms.compounds.value(variable.type, tuple(u.value for u in write.parts))

    # ---- sequences
    def _sequence(self, variable: Variable, write: Write, old: Doc) -> Doc:
        """A sequence after one operation on it."""
        length, cells = write.parts[0].value, write.parts[1:]
        record = variable.type.record
        position = cells[0].index[-1]
        if position is length:
            return Listing("Append(", (old, self.terms.compounds.record(record, tuple(c.value for c in cells))), ")")
        if length.op == "const":
            elements = (
                self.terms.compounds.record(
                    record, tuple(self.graph.substitute(c.value, {position.id: self._place(i, length)}) for c in cells)
                )
                for i in range(1, int(length.args[0]) + 1)
            )
            return Listing("<<", tuple(elements), ">>")
        copy = self._copied(length, tuple(c.value for c in cells), position)
        if copy is not None:
            return Text(copy)
        cut = self._cut(variable, write, position)
        if cut is not None:
            return Listing(f"{self.words.use(self.words.prefix)}(", (old, self.terms.doc(cut)), ")")
        if self._is_pop(variable, write, position):
            return Text(f"{self.words.use(self.words.rest)}({old.flat})")
        inside = self.graph.make("le", (position, length), Bool)  # true of every position that is written out
        values = (c.value.args[1] if c.value.op == "ite" and c.value.args[0] is inside else c.value for c in cells)
        with self.terms.binding((position,)) as (name,):
            element = self.terms.compounds.record(record, tuple(values))
            return _function(name, f"1..{self.terms.flat(length, ATOM)}", element)

    def _place(self, place: int, length: Term) -> Term:
        return self.graph.const(place, length.sort)

    def _copied(self, length: Term, cells: tuple[Term, ...], position: Term) -> str | None:
        """The sequence of which this is a copy."""
        if length.op != "app" or not all(c.op == "app" and c.args[-1] is position for c in cells):
            return None
        source = self.words.functions[length.args[0]].variable
        key = length.args[1:]
        if (length.args[0], *(c.args[0] for c in cells)) != source.functions:
            return None
        if not all(a is b for c in cells for a, b in zip(c.args[1:-1], key, strict=True)):
            return None
        return self.terms.at(source.name, key)

    def _old(self, variable: Variable, write: Write, position: Term) -> tuple[Term, tuple[Term, ...]]:
        """Length and cells at a key before the step."""
        functions = [self.words.traced.functions[f] for f in variable.functions]
        length = self.graph.make("app", (functions[0].name, *write.key), functions[0].result)
        cells = (self.graph.make("app", (f.name, *write.key, position), f.result) for f in functions[1:])
        return length, tuple(cells)

    def _cut(self, variable: Variable, write: Write, position: Term) -> Term | None:
        """The k of a `truncate(k)`: what the language records of one, compared with what is recorded here."""
        size, cells = self._old(variable, write, position)
        length, new = write.parts[0].value, tuple(u.value for u in write.parts[1:])
        candidates = [length.args[1]] if length.op == "ite" else [length]
        for cell in new:
            test = cell.args[0] if cell.op in ("ite", "and") else cell
            if test.op == "le" and test.args[0] is position:
                candidates.append(test.args[1])
        for kept in candidates:
            if kept.sort is not size.sort:
                continue
            shorter = self.graph.make("lt", (kept, size), Bool)
            lengths = (self.graph.make("ite", (shorter, kept, size), size.sort), kept, size)
            inside = self.graph.make("le", (position, kept), Bool)
            expected = [self.graph.make("ite", (inside, c, self._low(c)), c.sort) for c in cells]
            if any(length is one for one in lengths) and all(a is b for a, b in zip(new, expected, strict=True)):
                return kept
        return None

    def _is_pop(self, variable: Variable, write: Write, position: Term) -> bool:
        """Whether this is what the language records of a `pop_first`."""
        sort = position.sort
        zero, one = self.graph.const(0, sort), self.graph.const(1, sort)
        size, _ = self._old(variable, write, position)
        _, following = self._old(variable, write, self.graph.make("add", (position, one), sort))
        empty, before = (self.graph.make("eq", (t, zero), Bool) for t in (size, position))
        less = self.graph.make("sub", (size, one), sort)
        lengths = (less, zero, self.graph.make("ite", (empty, zero, less), sort))
        expected = [self.graph.make("ite", (before, self._low(c), c), c.sort) for c in following]
        new = [u.value for u in write.parts[1:]]
        return any(write.parts[0].value is one for one in lengths) and all(
            a is b for a, b in zip(new, expected, strict=True)
        )

    def _low(self, cell: Term) -> Term:
        return self.graph.const(default(cell.sort), cell.sort)

    # ---- networks
    def network(self, network: Network, effects: tuple[Effect, ...], base: Doc) -> Doc:
        """A network after effects on it, in order."""
        current, sent = base, []
        for effect in self._forgotten_at_once(effects):
            if isinstance(effect, Send):
                record = self.terms.compounds.record(network.record, effect.fields)
                if network.is_bag:
                    current = Row((_atom(current), Text(" (+) "), Listing("SetToBag({", (record,), "})")))
                elif self.words.is_keyed(network):
                    name = self.words.use(self.words.sending[network.name])
                    current = Listing(f"{name}(", (current, record), ")")
                else:
                    sent.append(record)
                continue
            current, sent = _united(current, sent), []
            current = (
                self._received(network, effect, current)
                if isinstance(effect, Receive)
                else self._kept(network, effect, current)
            )
        return _united(current, sent)

    def _forgotten_at_once(self, effects: tuple[Effect, ...]) -> list[Effect]:
        """Neighbouring `forget`s as one."""
        found: list[Effect] = []
        for effect in effects:
            last = found[-1] if found else None
            if isinstance(effect, Forget) and isinstance(last, Forget):
                by = {new.id: old for new, old in zip(effect.bound, last.bound, strict=True)}
                either = self.graph.make("or", (last.body, self.graph.substitute(effect.body, by)), Bool)
                found[-1] = Forget(last.network, last.bound, either, last.where)
            else:
                found.append(effect)
        return found

    def _received(self, network: Network, effect: Receive, current: Doc) -> Doc:
        record = self.terms.compounds.record(network.record, effect.fields)
        return Row((_atom(current), Text(" (-) "), Listing("SetToBag({", (record,), "})")))

    def _kept(self, network: Network, effect: Effect, current: Doc) -> Doc:
        assert isinstance(effect, Forget)
        with self.terms.binding(effect.bound) as (name,):
            body = self.terms.doc(_remaining(self.graph, effect.body))
            if not network.is_bag:
                return Row((Text(f"{{{name} \\in "), current, Text(" : "), body, Text("}")))
            kept = Row((Text(f"{{{name} \\in BagToSet({current.flat}) : "), body, Text("}")))
            return Listing(f"{self.words.use(self.words.keep)}(", (current, kept), ")")

    def default(self, variable: Variable) -> Text:
        """The value of a variable before anything was written."""
        low = self.words.low(variable.type)
        letters: list[str] = []
        with self.words.scope.inner():
            for sort in variable.args:
                letter = sort.__name__[0].lower()
                letters.append(self.words.scope.claim(chr(ord(letter) - 1) if letter in letters else letter))
        for letter, sort in zip(reversed(letters), reversed(variable.args), strict=True):
            low = f"[{letter} \\in {self.words.domain(sort)} |-> {low}]"
        return Text(low)


def _function(name: str, domain: str, value: Doc) -> Doc:
    """`[n \\in Node |-> value]`."""
    return Row((Text("["), Headed(f"{name} \\in {domain} |->", value), Text("]")))


def _remaining(graph: Graph, forgotten: Term) -> Term:
    """The condition of the messages that stay: negated part by part."""
    if forgotten.op == "or" and forgotten.id not in graph.calls:
        return graph.make("and", tuple(graph.negation(a) for a in forgotten.args), Bool)
    return graph.negation(forgotten)


def _is_wild(term: Term, write: Write) -> bool:
    return any(term is v for v in write.wild)


def _explicit_prefix(write: Write) -> int | None:
    """How many arguments come before the wildcards; None if an argument comes after one."""
    wild = [_is_wild(k, write) for k in write.key]
    if any(a and not b for a, b in pairwise(wild)):
        return None
    return wild.index(True) if True in wild else len(wild)


def _hidden(write: Write, later: list[Write]) -> bool:
    """Whether a later write certainly covers a write."""
    return any(
        all(
            _is_wild(b, other) or (b is a and not _is_wild(a, write)) for a, b in zip(write.key, other.key, strict=True)
        )
        for other in later
    )


def _applied(current: Doc, clauses: list[Doc]) -> Doc:
    if not clauses:
        return current
    return Listing(f"[{_bracketed(current)} EXCEPT ", tuple(clauses), "]")


def _bracketed(doc: Doc) -> str:
    """A function to which something is applied."""
    return doc.flat if _APPLICABLE.fullmatch(doc.flat) else f"({doc.flat})"


def _atom(doc: Doc) -> Doc:
    return Row((Text("("), doc, Text(")"))) if isinstance(doc, Choice) else doc


def _united(current: Doc, sent: list[Doc]) -> Doc:
    return Row((current, Text(" \\cup "), Listing("{", tuple(sent), "}"))) if sent else current
