"""Which terms are calls of rules: semantics is the inlined body, but an exporter can print the rule's name."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from model.language.errors import SpecError
from model.language.graph import Term
from model.language.primitives import components
from model.language.transition import RuleCall, RuleDefinition
from model.language.values import Composite, build, parts_of, type_of

if TYPE_CHECKING:
    from model.language.tracer import Tracer


def note_call(tracer: "Tracer", name: str, function: Callable[..., Any], args: tuple[Any, ...], result: Any) -> None:
    """Remember that a term is a rule applied to values, if the rule on formal parameters says so."""
    if not isinstance(result, Term) or result.op in ("var", "const", "app") or result.id in tracer.graph.calls:
        return
    if not all(isinstance(a, Term | Composite) for a in args):
        return
    types = [type_of(a) for a in args]
    arguments = tuple(p for a, t in zip(args, types, strict=True) for p in parts_of(tracer.graph, a, t, "an argument"))
    known = tracer.definitions.setdefault(name, [])
    for definition in known:
        if [f.sort for f in definition.formals] == [a.sort for a in arguments]:
            break
    else:
        made = _define(tracer, name, function, types)
        if made is None:
            return
        known.append(made)
        definition = made
    by = {f.id: a for f, a in zip(definition.formals, arguments, strict=True)}
    if tracer.graph.substitute(definition.body, by) is result:
        tracer.graph.calls[result.id] = RuleCall(name, arguments)


def _define(tracer: "Tracer", name: str, function: Callable[..., Any], types: list[Any]) -> RuleDefinition | None:
    """The rule on formal parameters; None if it forks or reads what is not an argument."""
    names = list(inspect.signature(function).parameters)[: len(types)]
    formals = [
        tuple(tracer.graph.var(f"{n}{suffix}", "param", 0, sort) for suffix, sort in components(t))
        for n, t in zip(names, types, strict=True)
    ]
    with tracer.running(f"rule {name}"):
        try:
            body = function(*(build(tracer.graph, t, f) for t, f in zip(types, formals, strict=True)))
        except SpecError:
            return None
    return RuleDefinition(name, tuple(v for f in formals for v in f), body) if isinstance(body, Term) else None
