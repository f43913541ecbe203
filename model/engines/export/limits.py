"""When a step stays within the bounds: conditions on its new values, as terms.

A step whose new state would leave the bounds is not taken. What certainly stays inside (a value that was in the state, a parameter,
a smaller one) needs no condition, whatever the bounds are.
"""

from collections.abc import Iterator

from attrs import frozen

from model.engines.export.terms import Terms
from model.language.graph import Term
from model.language.primitives import Network
from model.language.sorts import Abstract, Bool, Ordinal, Quorum
from model.language.transition import Effect, Forget, Send, Transition, Update


@frozen(eq=False)
class Limit:
    """A condition for all values of some variables."""

    variables: tuple[Term, ...]
    condition: Term


class Limits:
    """The conditions of transitions. Constants of the module appear in them as variables of kind `constant`."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.graph = terms, terms.graph
        self.true = self.graph.true()

    def greatest(self, sort: type[Ordinal]) -> Term:
        """The constant that bounds an ordinal sort, as a term."""
        constant = self.graph.var(self.terms.words.limits[sort.bound], "constant", 0, sort)
        self.terms.environment[constant.id] = (self.terms.words.limit(sort), False)
        return constant

    def stale(self) -> Term:
        """Whether messages may be stale, as a term."""
        constant = self.graph.var(self.terms.words.stale, "constant", 0, Bool)
        self.terms.environment[constant.id] = (self.terms.words.use(self.terms.words.stale), False)
        return constant

    def of(self, transition: Transition) -> Iterator[Limit]:
        """Every condition of a transition, in the order of its updates and effects."""
        known = _conjuncts(transition)
        for updates in transition.updates.values():
            for place, update in enumerate(updates):
                for index in update.index:
                    limit = self._key(index, update, known)
                    if limit is not self.true:
                        yield Limit((), limit)
                limit = self._unless(self._overwritten(update, updates[place + 1 :]), self.fits(update.value))
                if limit is not self.true:
                    yield Limit(tuple(v for v in update.bound if v.id in limit.free), limit)
        for place, effect in enumerate(transition.effects):
            if isinstance(effect, Send):
                network = self.terms.words.traced.networks[effect.network]
                later = [e for e in transition.effects[place + 1 :] if e.network == effect.network]
                gone = self._gone(network, effect, later)
                for field in effect.fields:
                    limit = self._unless(gone, self.fits(field))
                    if limit is not self.true:
                        yield Limit((), limit)

    def _key(self, index: Term, update: Update, known: frozenset[int]) -> Term:
        """A write outside of a function's domain is no step. Positions in a sequence are bounded by its length."""
        if any(index is v for v in update.bound):
            return self.true
        if self.terms.words.traced.functions[update.function].is_cell and index is update.index[-1]:
            return self.true
        if issubclass(index.sort, Ordinal):
            return self.fits(index)
        if issubclass(index.sort, Abstract | Quorum) and index.op != "var":
            flag = self._flag(index)
            if (flag is None or flag.id not in known) and (flag is not None or self.terms.unset.may_be(index)):
                unset = self.graph.const(None, index.sort)
                return self.graph.negation(self.graph.make("eq", (index, unset), Bool))
        return self.true

    def _flag(self, value: Term) -> Term | None:
        """The flag of the Option whose value in the state a term is."""
        if value.op != "app" or not str(value.args[0]).endswith(".value"):
            return None
        return self.graph.find("app", (f"{value.args[0][: -len('value')]}some", *value.args[1:]), Bool)

    def fits(self, term: Term) -> Term:
        """That a value stays within the bound of its sort."""
        sort = term.sort
        if not issubclass(sort, Ordinal) or term.op in ("var", "app"):
            return self.true
        if term.op == "const" and term.args[0] == 0:
            return self.true
        if term.op == "ite":
            condition, then, otherwise = term.args
            parts = self.fits(then), self.fits(otherwise)
            is_minimum = condition.op == "lt" and condition.args[0] is then and condition.args[1] is otherwise
            if is_minimum and any(part is self.true for part in parts):
                return self.true  # a minimum is at most each of the two
            return self.graph.make(
                "and",
                (
                    self.graph.make("implies", (condition, parts[0]), Bool),
                    self.graph.make("implies", (self.graph.negation(condition), parts[1]), Bool),
                ),
                Bool,
            )
        if term.op == "sub" and self.fits(term.args[0]) is self.true:
            return self.true
        return self.graph.make("le", (term, self.greatest(sort)), Bool)

    def _overwritten(self, update: Update, later: tuple[Update, ...]) -> Term:
        """Whether a later update writes the same place."""
        cases = []
        for other in later:
            wild = {v.id for v in other.bound}
            pairs = zip(update.index, other.index, strict=True)
            same = tuple(self.graph.make("eq", (a, b), Bool) for a, b in pairs if b.id not in wild)
            cases.append(self.graph.make("and", same, Bool) if same else self.true)
        return self.graph.make("or", tuple(cases), Bool) if cases else self.graph.false()

    def _gone(self, network: Network, effect: Send, later: list[Effect]) -> Term:
        """Whether a message that is sent is replaced or forgotten in the same step."""
        cases = [self.graph.false()]
        names = [name for name, _ in network.fields]
        for other in later:
            if isinstance(other, Forget):
                by = {v.id: f for v, f in zip(other.bound, effect.fields, strict=True)}
                cases.append(self.graph.substitute(other.body, by))
            elif isinstance(other, Send) and self.terms.words.is_keyed(network):
                key = network.declaration.newest  # type: ignore[union-attr]
                pairs = zip(names, effect.fields, other.fields, strict=True)
                same = (self.graph.make("eq", (a, b), Bool) for n, a, b in pairs if n.split(".")[0] in key)
                cases.append(self.graph.make("and", (self.graph.negation(self.stale()), *same), Bool))
        return self.graph.make("or", tuple(cases), Bool)

    def _unless(self, exempt: Term, condition: Term) -> Term:
        if condition is self.true:
            return condition
        return self.graph.make("implies", (self.graph.negation(exempt), condition), Bool)


def _conjuncts(transition: Transition) -> frozenset[int]:
    """The terms that the path says are true, taken apart."""
    found: set[int] = set()
    for guard in transition.guards:
        todo = [guard.term]
        while todo:
            term = todo.pop()
            found.add(term.id)
            if term.op == "and":
                todo.extend(term.args)
    return frozenset(found)
