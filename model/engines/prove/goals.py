"""A claim as goals: universally quantified variables become arbitrary elements, conjunctions become separate goals.

Solvers do both, but with terms that our triggers do not see; and short goals are what makes queries fast and decidable in practice.
"""

from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from model.language.graph import Graph, Term, bound_of
from model.language.sorts import Bool


@frozen(eq=False)
class Goal:
    """One thing to prove: `conclusion` under `hypotheses`, for arbitrary elements that stand for the variables (by id) of the claim."""

    hypotheses: tuple[Term, ...]
    conclusion: Term
    arbitrary: Mapping[int, Term]


def goals(graph: Graph, claim: Term) -> tuple[Goal, ...]:
    """The goals that together are the claim; what is plainly true is left out."""
    return tuple(_goals(graph, claim, (), {}))


def _goals(graph: Graph, term: Term, hypotheses: tuple[Term, ...], arbitrary: Mapping[int, Term]) -> Iterator[Goal]:
    if term.op == "const" and term.args[0]:
        return
    if term.op == "and":
        for part in term.args:
            yield from _goals(graph, part, hypotheses, arbitrary)
    elif term.op == "implies":
        yield from _goals(graph, term.args[1], (*hypotheses, term.args[0]), arbitrary)
    elif term.op == "ite" and term.sort is Bool:
        condition, then, otherwise = term.args
        yield from _goals(graph, then, (*hypotheses, condition), arbitrary)
        yield from _goals(graph, otherwise, (*hypotheses, graph.make("not", (condition,), Bool)), arbitrary)
    elif term.op in ("forall", "forall_in"):
        chosen: dict[int, Term] = {}
        for variable in bound_of(term):
            chosen[variable.id] = arbitrary_element(graph, variable, (*arbitrary.values(), *chosen.values()))
        if term.op == "forall_in":
            there = graph.make("contains", (term.args[0], *chosen.values()), Bool)
            hypotheses = (*hypotheses, there)
        body = graph.substitute(term.args[-1], chosen)
        yield from _goals(graph, body, hypotheses, {**arbitrary, **chosen})
    else:
        yield Goal(hypotheses, term, arbitrary)


def arbitrary_element(graph: Graph, variable: Term, taken: Iterable[Term] = ()) -> Term:
    """The element that stands for a quantified variable while a claim is proved; none of those that are taken."""
    name, _, serial = variable.args
    used = {t.id for t in taken}
    while (element := graph.var(name, "arbitrary", serial, variable.sort)).id in used:
        serial += 1
    return element
