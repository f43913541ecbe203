"""Which specs the prover can read, checked before it starts: what it cannot read faithfully it refuses.

Inside: functions, sequences, message sets that only grow, `forall`, majorities as guards, `the`. Outside: counting, bags, `forget`,
subtraction, `exists` (a lemma names its witness), majorities anywhere but as a guard of their own.

The element of an empty Option is not an element of its sort; a proof has no such value. So it must never be read: every read of an
Option's element has to stand beside the test that there is one (`x == y`, `is_member` and `value_of` after `!= NONE` do).
"""

from collections.abc import Iterable, Iterator

from model.language import SpecError
from model.language.graph import Term, children, postorder, show
from model.language.sorts import Bool, OptionOf
from model.language.transition import Guard, Send, TracedSpec, Transition

REFUSED = {
    "count": "say it with quorums",
    "exists": "name the witness: a parameter, or history that remembers it",
    "exists_in": "take the message as a parameter",
    "sub": "say it with + on the other side",
}


def check_fragment(traced: TracedSpec, lemmas: Iterable[Term]) -> None:
    """Raise a SpecError, with the author's line, if the spec or a lemma is outside of the fragment."""
    for network in traced.networks.values():
        if any(field.endswith(".some") for field, _ in network.fields):
            raise SpecError(f"{network.name} has messages with an Option in them", "send a flag and a value")
    for action in traced.actions:
        if any(isinstance(p.parameter.sort, OptionOf) for p in action.parameters):
            code = action.action.function.__code__
            where = f"{code.co_filename}:{code.co_firstlineno}"
            raise SpecError(f"action {action.name} takes an Option", "make two actions of it", where)
        for transition in action.transitions:
            _check_transition(traced, transition)
    for updates in traced.initial.values():
        for update in updates:
            _check_term(traced, update.value, [])
    for lemma in lemmas:
        _check_term(traced, lemma, [])


def _check_transition(traced: TracedSpec, transition: Transition) -> None:
    known: list[Term] = []
    for condition in transition.conditions:
        if isinstance(condition, Guard):
            term = condition.term
            _check_term(traced, term.args[-1] if term.op == "is_quorum" else term, known)
            known.append(term)
        else:
            _check_term(traced, condition.body, known)
            if condition.kind == "the":
                known.append(condition.body)
    for updates in transition.updates.values():
        for update in updates:
            if update.function.endswith(".value") and _is_copy(traced, transition, update.function):
                continue  # an Option copied as a whole takes its flag along
            for term in (update.value, *update.index):
                _check_term(traced, term, known)
    for effect in transition.effects:
        if not isinstance(effect, Send):
            raise SpecError(
                f"action {transition.action} takes messages out of {effect.network}",
                "the prover reads message sets that only grow",
                effect.where,
            )
        for term in effect.fields:
            _check_term(traced, term, known)


def _is_copy(traced: TracedSpec, transition: Transition, function: str) -> bool:
    """Whether an Option's element is written together with its flag, each from the same place of another Option."""
    flag = function.removesuffix("value") + "some"
    if flag not in traced.functions:
        return False
    pairs = zip(transition.updates.get(flag, ()), transition.updates[function], strict=True)
    return all(_source(some.value, "some") == _source(value.value, "value") is not None for some, value in pairs)


def _source(term: Term, part: str) -> tuple[str, tuple[int, ...]] | None:
    if term.op != "app" or not str(term.args[0]).endswith(f".{part}"):
        return None
    return str(term.args[0]).removesuffix(part), tuple(a.id for a in term.args[1:])


def _check_term(traced: TracedSpec, term: Term, known: list[Term]) -> None:
    for t in postorder(term):
        if t.op in REFUSED:
            raise SpecError(f"{t.op} in {show(t)}", f"the prover does not read it: {REFUSED[t.op]}", t.where)
        if t.op == "is_quorum":
            raise SpecError(f"a majority inside of {show(term)}", "make it a guard of its own", t.where)
    facts = frozenset(fact.id for k in known for fact in _conjuncts(k))
    for bad in _unguarded(traced, term, facts):
        raise SpecError(f"{show(bad)} is read where it may be NONE", "test that it is not, beside the use", bad.where)


def _conjuncts(term: Term) -> Iterator[Term]:
    """A term and, of a conjunction, its parts."""
    yield term
    if term.op == "and":
        for part in term.args:
            yield from _conjuncts(part)


def _negated(term: Term) -> Iterator[Term]:
    """What is known when a term is false."""
    if term.op == "not":
        yield from _conjuncts(term.args[0])
    elif term.op == "or":
        for part in term.args:
            yield from _negated(part)


def _unguarded(traced: TracedSpec, term: Term, facts: frozenset[int]) -> Iterator[Term]:
    """Reads of an Option's element that are not beside the test of its flag; `facts` are ids of terms known to hold."""
    if term.op == "app" and _is_unsafe(traced, term, facts):
        yield term
    if term.op in ("and", "or"):
        known_if = _conjuncts if term.op == "and" else _negated
        for part in term.args:
            beside = frozenset(f.id for other in term.args if other is not part for f in known_if(other))
            yield from _unguarded(traced, part, facts | beside)
    elif term.op == "implies":
        condition, then = term.args
        yield from _unguarded(traced, condition, facts)
        yield from _unguarded(traced, then, facts | {f.id for f in _conjuncts(condition)})
    elif term.op == "ite":
        condition, then, otherwise = term.args
        yield from _unguarded(traced, condition, facts)
        yield from _unguarded(traced, then, facts | {f.id for f in _conjuncts(condition)})
        yield from _unguarded(traced, otherwise, facts | {f.id for f in _negated(condition)})
    else:
        for child in children(term):
            yield from _unguarded(traced, child, facts)


def _is_unsafe(traced: TracedSpec, term: Term, facts: frozenset[int]) -> bool:
    name = str(term.args[0])
    flag = name.removesuffix("value") + "some"
    if not name.endswith(".value") or flag not in traced.functions:
        return False
    test = traced.graph.find("app", (flag, *term.args[1:]), Bool)
    return test is None or test.id not in facts
