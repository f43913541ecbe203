"""Tracing: run a spec's functions once per path on symbolic values and record what they say.

Python's `if`, `and`, `or`, `not` on a symbolic truth value ask the tracer, which answers True first and runs the function
again from the start for False (replay). What a path already knows is answered without a fork. A function that takes another
path when it is replayed is refused: a spec may depend on nothing but its arguments and the state.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from attrs import define, field

from model.language.errors import SpecError, author_line
from model.language.facts import Facts
from model.language.graph import Graph, Number, Term, show
from model.language.primitives import Function, primitives
from model.language.rule_calls import note_call
from model.language.sorts import Bool, Node, OptionOf, Quorum, Sort, SortMeta
from model.language.spec import Spec
from model.language.transition import Condition, Effect, Guard, RuleDefinition, Update, Witness
from model.language.values import SymbolicOption, build, choose, row_parts, unset
from model.language.words import Built, Disabled

MOST_PATHS = 500
"""An action with more paths is refused: it would be unreadable and slow in every engine."""


DETERMINISM = "an action may depend on nothing but the state and its parameters"


@define
class Path:
    """What one run of a function has recorded so far."""

    answers: list[bool]
    facts: Facts
    conditions: list[Condition] = field(factory=list)
    forks: list[Guard] = field(factory=list)
    fork_places: list[int] = field(factory=list)
    updates: dict[str, list[Update]] = field(factory=dict)
    effects: list[Effect] = field(factory=list)
    dead: bool = False


class Tracer:
    """The reading on terms. One tracer traces one spec."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.graph = Graph()
        self.graph.decide = self._decide
        self.functions, self.networks = primitives(spec.state.variables)
        self.rules: Mapping[str, Callable[..., Any]] = spec.overrides
        self.definitions: dict[str, list[RuleDefinition]] = {}
        self.path = Path([], Facts(self.graph))
        self._mode = "property"
        self._depth = 0
        self._inside: list[str] = []  # quantifier bodies being evaluated: no writes, no guards
        self._rules: list[str] = []  # rules being evaluated: no writes
        self._expected: list[Guard] = []

    # ---- paths
    def _decide(self, term: Term) -> bool:
        if any(self.graph.is_bound(v) for v in sorted(term.free)):
            raise SpecError(
                f"Python if, and, or, not, or a chained comparison on the quantified {show(term)}",
                "use ite, &, |, Not, implies; write (1 <= j) & (j <= n)",
            )
        if self._mode != "action":
            raise SpecError(
                f"Python if, and, or, not on {show(term)} in {self._mode}",
                "only actions fork; use ite, &, |, Not, implies",
            )
        path = self.path
        known = path.facts.value(term)
        if known is not None:
            return known
        place = len(path.forks)
        answer = path.answers[place] if place < len(path.answers) else True
        where = author_line()
        if place < len(self._expected) and self._expected[place].term is not term:
            raise SpecError(
                f"a second run of the same path asks {show(term)} instead of {show(self._expected[place].term)}",
                DETERMINISM,
                where,
            )
        guard = Guard(term if answer else self.graph.negation(term), where, fork=True)
        path.forks.append(Guard(term, where, fork=True))
        path.fork_places.append(len(path.conditions))
        path.conditions.append(guard)
        if place == len(path.answers):
            path.answers.append(True)
        path.facts.learn(term, answer)
        return answer

    def paths(self, run: Callable[[], Any], name: str) -> Iterator[Path]:
        """All paths through a function, the `then` branch first."""
        answers: list[bool] = []
        self._expected = []
        before = self._run(run, answers)  # the first path runs twice, to see whether it says the same
        agreed = len(before.conditions)
        for _ in range(MOST_PATHS):
            self._expected = before.forks[: len(answers)]
            path = self._run(run, answers)
            self._check_replay(before, path, agreed, whole=not answers)
            yield path
            answers = list(path.answers)
            while answers and not answers[-1]:
                answers.pop()
            if not answers:
                return
            answers[-1] = False
            agreed = path.fork_places[len(answers) - 1]
            before = path
        raise SpecError(f"{name} has more than {MOST_PATHS} paths", "use ite, |, & instead of some of its ifs")

    @staticmethod
    def _check_replay(before: Path, path: Path, agreed: int, *, whole: bool) -> None:
        """Refuse a run whose first `agreed` conditions (`whole`: and everything else) are not those of the run before."""
        for old, new in zip(before.conditions[:agreed], path.conditions[:agreed], strict=True):
            if _said(old) is not _said(new):
                raise SpecError(
                    f"a second run requires {_said(new)!r} instead of {_said(old)!r}", DETERMINISM, new.where
                )
        if whole:
            old_updates = [u for updates in before.updates.values() for u in updates]
            new_updates = [u for updates in path.updates.values() for u in updates]
            for a, b in zip_longest(old_updates, new_updates):
                if a is None or b is None or a.value is not b.value or a.function != b.function:
                    raise SpecError("a second run writes something else", DETERMINISM, (b or a).where)

    def _run(self, run: Callable[[], Any], answers: list[bool]) -> Path:
        path = self.path = Path(list(answers), Facts(self.graph))
        try:
            run()
        except Disabled:
            path.dead = True
        if len(path.forks) < len(path.answers):
            raise SpecError(f"a second run asks fewer than {len(path.answers)} times which way to go", DETERMINISM)
        return path

    # ---- what symbolic state asks for
    @property
    def initial(self) -> bool:
        """Whether init is being traced."""
        return self._mode == "init"

    def bound(self, name: str, offset: int, sort: Any) -> Term:
        """A quantified variable of the current nesting depth plus `offset`."""
        return self.graph.var(name, "bound", self._depth + offset, sort)

    def parameter_names(self, function: Callable[..., Any], what: str, wanted: int) -> tuple[str, ...]:
        """The names of a body's parameters; refused if it does not take `wanted` of them."""
        if not callable(function):
            raise SpecError(f"{what} with {function!r} for a body", "give a lambda")
        parameters = list(inspect.signature(function).parameters.values())
        required = [p for p in parameters if p.default is p.empty]
        if len(required) > wanted or len(parameters) < wanted:
            raise SpecError(f"{what} with a body of {len(required)} parameters", f"it takes {wanted}")
        return tuple(p.name for p in parameters[:wanted])

    def body(self, function: Callable[..., Any], arguments: tuple[Any, ...], what: str, deeper: int) -> Any:
        """The value of a quantifier's or row's body; nothing may be written in it."""
        self._depth += deeper
        self._inside.append(what)
        try:
            return function(*arguments)
        finally:
            self._inside.pop()
            self._depth -= deeper

    def known(self, term: Term) -> Term:
        """`term`, or a constant if the path knows its truth."""
        value = self.path.facts.value(term)
        return term if value is None else self.graph.const(value, Bool)

    def check_write(self, what: str) -> None:
        """Refuse a write where nothing may be written."""
        if self._inside or self._rules:
            place = (*self._rules, *self._inside)[-1]
            raise SpecError(f"{what} is written inside {place}", "write in the action itself, before or after")
        if self._mode not in ("action", "init"):
            raise SpecError(f"{what} is written in {self._mode}", "only actions and init write")

    def read(self, function: Function, index: tuple[Term, ...], *, primed: bool) -> Term:
        """The value of a primitive function after the writes so far."""
        graph = self.graph
        name = f"{function.name}'" if primed else function.name
        below = (
            graph.make("app", (name, *index), function.result)
            if self._mode != "init"
            else unset(graph, function.result)[0]
        )
        choices: list[tuple[Term, Term]] = []
        for update in reversed(self.path.updates.get(function.name, [])):
            by = _matching(update, index)
            same = tuple(
                self.known(graph.make("eq", (asked, written), Bool))
                for asked, written in zip(index, update.index, strict=True)
                if written.id not in by
            )
            hit = graph.make("and", same, Bool) if same else graph.true()
            value = graph.substitute(update.value, by)
            if hit.op == "const":
                if hit.args[0]:
                    below = value
                    break
                continue
            choices.append((hit, value))
        for hit, value in reversed(choices):
            below = graph.make("ite", (hit, value, below), function.result)
        return below

    def write(self, update: Update) -> None:
        """Record a write."""
        self.path.updates.setdefault(update.function, []).append(update)

    def effect(self, effect: Effect) -> None:
        """Record an effect on a network."""
        self.path.effects.append(effect)

    def changes(self, network: str) -> list[Effect]:
        """The effects on a network so far."""
        return [e for e in self.path.effects if e.network == network]

    def written(self, network: str) -> bool:
        """Whether a network has been changed in this action."""
        return bool(self.changes(network))

    # ---- the words
    def require(self, condition: Any) -> None:
        """A guard; nothing has been written yet."""
        if self._mode != "action":
            raise SpecError(f"require in {self._mode}", "only actions have guards")
        if self._inside:
            raise SpecError(f"require inside {self._inside[-1]}", "put the condition into the body")
        if self.path.updates or self.path.effects:
            raise SpecError("require after a write", "guards first, then the update")
        self.guard(self.graph.coerce(condition, Bool, "a guard"))

    def guard(self, term: Term) -> None:
        """A condition of this path, unless it is known to hold."""
        known = self.path.facts.value(term)
        if known is False:
            raise Disabled(None, 0)
        if known is None:
            if any(self.graph.is_bound(v) for v in sorted(term.free)):
                raise SpecError(f"a guard on the quantified {show(term)}", "put it into the body of the quantifier")
            self.path.conditions.append(Guard(term, author_line()))
            self.path.facts.learn(term, True)

    def ite(self, condition: Any, then: Any, otherwise: Any) -> Any:
        return choose(self.graph, condition, then, otherwise)

    def conjunction(self, parts: tuple[Any, ...]) -> Term:
        return self.graph.logic("and", parts)

    def disjunction(self, parts: tuple[Any, ...]) -> Term:
        return self.graph.logic("or", parts)

    def negation(self, condition: Any) -> Term:
        return self.graph.negation(condition)

    def implies(self, condition: Any, then: Any) -> Term:
        return self.graph.logic("implies", (condition, then))

    def forall(self, sorts: tuple[Any, ...], body: Callable[..., Any]) -> Any:
        return self._quantify("forall", sorts, body)

    def exists(self, sorts: tuple[Any, ...], body: Callable[..., Any]) -> Any:
        return self._quantify("exists", sorts, body)

    def count(self, sort: Any, body: Callable[..., Any]) -> Term:
        return self._bind("count", (sort,), body, Number)

    def is_quorum(self, body: Callable[..., Any]) -> Term:
        return self._bind("is_quorum", (Node,), body, Bool)

    def _quantify(self, op: str, sorts: tuple[Any, ...], body: Callable[..., Any]) -> Term:
        for place, sort in enumerate(sorts):
            if isinstance(sort, OptionOf):
                return self._over_option(op, sorts, place, body)
        return self._bind(op, sorts, body, Bool)

    def _over_option(self, op: str, sorts: tuple[Any, ...], place: int, body: Callable[..., Any]) -> Term:
        """A quantifier over an Option: NONE, and then the elements."""
        option, before, after = sorts[place], sorts[:place], sorts[place + 1 :]
        names = self.parameter_names(body, op, len(sorts))

        def none(*xs: Any) -> Any:
            return body(*xs[:place], None, *xs[place:])

        def some(*xs: Any) -> Any:
            element = build(self.graph, option, (self.graph.true(), xs[place]))
            return body(*xs[:place], element, *xs[place + 1 :])

        if before or after:
            without = self._quantify(op, (*before, *after), _named(names[:place] + names[place + 1 :], none))
        else:
            without = self.graph.coerce(self.body(none, (), op, 0), Bool, f"the body of {op}")
        elements = self._quantify(op, (*before, option.sort, *after), _named(names, some))
        return self.graph.logic("and" if op == "forall" else "or", (without, elements))

    def _bind(self, op: str, sorts: tuple[Any, ...], body: Callable[..., Any], result: Any) -> Term:
        variables, term = self._variables(op, sorts, body)
        return self.graph.make(op, (variables, term), result)

    def _variables(self, op: str, sorts: tuple[Any, ...], body: Callable[..., Any]) -> tuple[tuple[Term, ...], Term]:
        for sort in sorts:
            if not (isinstance(sort, SortMeta) and issubclass(sort, Sort)) or sort is Sort:
                raise SpecError(
                    f"{op} over {sort!r}", "quantify over a sort (Node, Epoch, ...); messages: s.network.forall(...)"
                )
        names = self.parameter_names(body, op, len(sorts))
        variables = tuple(self.bound(name, i, sort) for i, (name, sort) in enumerate(zip(names, sorts, strict=True)))
        value = self.body(body, variables, op, len(sorts))
        return variables, self.graph.coerce(value, Bool, f"the body of {op}")

    def the(self, sort: Any, body: Callable[..., Any]) -> Term:
        (bound,), term = self._variables("the", (sort,), body)
        return self._witness("the", bound, term, sort)

    def quorum(self, body: Callable[..., Any]) -> Term:
        (bound,), term = self._variables("quorum", (Node,), body)
        return self._witness("quorum", bound, term, Quorum)

    def _witness(self, kind: str, bound: Term, body: Term, sort: Any) -> Term:
        if self._mode != "action" or self._depth:
            place = f"inside {self._inside[-1]}" if self._depth else f"in {self._mode}"
            raise SpecError(
                f"{kind} {place}", "take the element before, in the action; a property says forall or exists"
            )
        if any(self.graph.is_bound(v) for v in sorted(body.free - {bound.id})):
            raise SpecError(f"{kind} that depends on a quantified variable", "use exists or forall")
        before = [c for c in self.path.conditions if isinstance(c, Witness)]
        for witness in before:
            if witness.kind == kind and witness.bound is bound and self._original(witness) is body:
                return witness.var
        var = self.graph.var(str(bound.args[0]), "witness", len(before), sort)
        claim = self.graph.substitute(body, {bound.id: var}) if kind == "the" else body
        self.path.conditions.append(Witness(var, kind, bound, claim, author_line()))
        if kind == "the":
            self.path.facts.learn(claim, True)
        return var

    def _original(self, witness: Witness) -> Term:
        if witness.kind == "quorum":
            return witness.body
        return self.graph.substitute(witness.body, {witness.var.id: witness.bound})

    def member(self, node: Any, quorum: Any) -> Term:
        inside: tuple[Any, ...] = ()
        if isinstance(quorum, SymbolicOption):
            inside, quorum = (quorum.parts[0],), quorum.parts[1]
        terms = (
            self.graph.coerce(node, Node, "the node of is_member"),
            self.graph.coerce(quorum, Quorum, "the quorum of is_member"),
        )
        return self.graph.logic("and", (*inside, self.graph.make("member", terms, Bool)))

    def value_of(self, option: Any) -> Any:
        if not isinstance(option, SymbolicOption):
            raise SpecError(f"value_of({option!r})", "only an Option has a value to take out")
        return option.parts[1]

    def sequence(self, length: Any, element: Callable[..., Any]) -> Built:
        return Built(length, element)

    def record(self, record: Any, row: list[Any]) -> Any:
        return build(self.graph, record, row_parts(self.graph, record, row))

    # ---- rules
    def call(self, rule: Any, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """A rule is its inlined body; a result that is one compound term also remembers the call."""
        self._rules.append(f"rule {rule.name}")
        try:
            result = function(*args)
        finally:
            self._rules.pop()
        note_call(self, rule.name, function, args, result)
        return result

    @contextmanager
    def running(self, mode: str) -> Iterator[None]:
        saved = self._mode, self.path, self._depth
        self._mode, self.path, self._depth = mode, Path([], Facts(self.graph)), 0
        try:
            yield
        finally:
            self._mode, self.path, self._depth = saved


def _said(condition: Condition) -> Term:
    return condition.term if isinstance(condition, Guard) else condition.body


def _matching(update: Update, index: tuple[Term, ...]) -> dict[int, Term]:
    """What the wildcards of an update stand for at an index."""
    wild = {v.id for v in update.bound}
    return {written.id: asked for written, asked in zip(update.index, index, strict=True) if written.id in wild}


def _named(names: tuple[str, ...], function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of any number of arguments that says what its parameters are called."""
    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function
