"""Which terms of an abstract sort may be "unset", as far as the text of the spec shows: they need care where TLA+ is partial.

A parameter, a quantified variable or a witness is an element. A field of a record of defaults may be unset; a field of a message
is as what is sent. `value_of(option)` is an element: that is what the author claims with it (TLC stops where it is not so).
"""

from collections.abc import Iterator

from model.engines.export.vocabulary import CELL, Vocabulary
from model.language.graph import MESSAGE_BINDERS, Term, bound_of
from model.language.sorts import Abstract, OptionOf, Quorum
from model.language.transition import Forget, Send


def is_option_value(variables: tuple[Term, ...], place: int) -> bool:
    """Whether a component is the element of an Option, whose flag is the component before it."""
    name = str(variables[place].args[0])
    return name.endswith(".value") and place > 0 and variables[place - 1].args[0] == f"{name[: -len('value')]}some"


class Unset:
    """The analysis of one traced spec: a fixed point over what is sent and what rules are given."""

    def __init__(self, words: Vocabulary) -> None:
        self._words = words
        traced = words.traced
        self._fields: dict[int, set[tuple[str, int]]] = {}
        self._unset: set[tuple[str, int]] = set()
        for action in traced.actions:
            for p in action.parameters:
                if p.parameter.network is not None:
                    self._note(p.parameter.network, p.variables)
            for transition in action.transitions:
                for effect in transition.effects:
                    if isinstance(effect, Forget):
                        self._note(effect.network, effect.bound)
        for term in traced.graph.terms:
            if term.op in MESSAGE_BINDERS:
                self._note(term.args[0].removesuffix("'"), bound_of(term))
        for rule, found in traced.rules.items():
            for definition in found:
                self._note(f"rule {rule}", definition.formals)
        given = list(self._given())
        before = -1
        while before < len(self._unset):
            before = len(self._unset)
            self._unset |= {place for place, term in given if self.may_be(term)}

    def _note(self, network: str, variables: tuple[Term, ...]) -> None:
        for place, variable in enumerate(variables):
            if not is_option_value(variables, place):
                self._fields.setdefault(variable.id, set()).add((network, place))

    def _given(self) -> Iterator[tuple[tuple[str, int], Term]]:
        """What is sent, by network and field, and what rules are called with."""
        traced = self._words.traced
        effects = [e for a in traced.actions for t in a.transitions for e in t.effects]
        for effect in (*effects, *traced.initial_effects):
            if isinstance(effect, Send):
                yield from (((effect.network, i), f) for i, f in enumerate(effect.fields))
        for call in traced.graph.calls.values():
            yield from (((f"rule {call.rule}", i), a) for i, a in enumerate(call.arguments))

    def may_be(self, term: Term) -> bool:
        """Whether the value of a term may be unset."""
        if not issubclass(term.sort, Abstract | Quorum):
            return False
        if term.op == "const":
            return term.args[0] is None
        if term.op == "ite":
            return any(self.may_be(t) for t in term.args[1:])
        if term.op == "var":
            return not self._unset.isdisjoint(self._fields.get(term.id, ()))
        if term.op == "app":
            access = self._words.functions[term.args[0].removesuffix("'")]
            if access.part == CELL:
                return not isinstance(access.variable.type.record.fields[access.field], OptionOf)
            return not isinstance(access.variable.type, OptionOf)
        return True

    def field(self, network: str, place: int) -> bool:
        """Whether the component at a place of a network's messages may be unset."""
        return (network, place) in self._unset
