"""Actions as TLA+ operators: guards, `IF` for every fork, new values, UNCHANGED, and LET for the author's local variables.

TLC takes a disjunction (or `\\E`) in a guard for two ways to take the step and counts both; such guards are compared with TRUE, which
makes an ordinary value of them.
"""

from collections.abc import Iterable, Mapping
from itertools import chain

from model.engines.export.layout import Bullets, Choice, Doc, Headed, Let, Names, Row, Text
from model.engines.export.limits import Limit, Limits
from model.engines.export.plans import (
    Bound,
    Fork,
    Leaf,
    Piece,
    Plan,
    assigned,
    common_limits,
    common_values,
    leaves,
)
from model.engines.export.terms import ATOM, OPEN, Terms, ranged
from model.engines.export.updates import Updates
from model.language.declare import BagDecl
from model.language.graph import Term, children
from model.language.transition import Block, Condition, Effect, Forget, Send, TracedAction, Transition, Witness

_Ranges = tuple[tuple[str, str], ...]


class Actions:
    """Writes actions."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.words, self.graph = terms, terms.words, terms.graph
        self.updates, self.limits = Updates(terms), Limits(terms)

    # ---- an action
    def definitions(self, action: TracedAction) -> list[tuple[str, Doc]]:
        """Head and body of an action's operator; before it that of its steps for given messages, if fairness speaks of these.

        Message parameters are quantified inside of it: TLC takes `\\E n \\in Node : Act(n)` for steps called Act, but does not see through
        a set that depends on the state.
        """
        with self.terms.binding(_variables(action)) as names:
            basic, messages = self._parameters(action, names)
            head = self.words.actions[action.name] + (f"({', '.join(name for name, _ in basic)})" if basic else "")
            self._name_locals(action)
            plan = self._plan(action.tree)
            body: Doc = Bullets(tuple(self._lines(plan, list(self.words.names))))
            lets = self._lets(frozenset())
            self.terms.names.clear()
        if lets:
            body = Let(lets, body)
        if not messages:
            return [(head, body)]
        some = f"\\E {ranged(messages)} :"
        if action.name not in self.words.of:
            return [(head, Headed(some, body, indent=3))]
        within = [Text(f"{name} \\in {network}") for name, network in messages]
        one = f"{self.words.of[action.name]}({', '.join(name for name, _ in (*basic, *messages))})"
        items = body.items if isinstance(body, Bullets) else (body,)
        return [(one, Bullets((*within, *items))), (head, Headed(some, Text(one), indent=3))]

    def step(self, action: TracedAction) -> str:
        """`\\E n \\in Node : Act(n)`: the action's part of the next-state relation."""
        name = self.words.actions[action.name]
        with self.terms.binding(_variables(action)) as names:
            basic, _ = self._parameters(action, names)
            return f"\\E {ranged(basic)} : {name}({', '.join(n for n, _ in basic)})" if basic else name

    def fairness(self, action: TracedAction, strong: bool, each: bool, message: Mapping[str, str]) -> str:
        """The fairness of an action as a formula: of the action as a whole, or of each choice of its arguments."""
        word = f"{'SF' if strong else 'WF'}_{self.words.vars}"
        if not each:
            return f"{word}({self.step(action)})"
        name = self.words.of.get(action.name, self.words.actions[action.name])
        with self.terms.binding(_variables(action)) as names:
            basic, _ = self._parameters(action, names)
            taken = zip(names, action.action.parameters, strict=True)
            messages = tuple((n, message[p.network]) for n, p in taken if p.network is not None)
            all_ = (*basic, *messages)
            step = f"{name}({', '.join(n for n, _ in all_)})" if all_ else name
            return f"\\A {ranged(all_)} : {word}({step})" if all_ else f"{word}({step})"

    def _parameters(self, action: TracedAction, names: tuple[str, ...]) -> tuple[_Ranges, _Ranges]:
        """Parameters of basic sorts and message parameters, as (name, set)."""
        basic, messages = [], []
        for name, parameter in zip(names, action.action.parameters, strict=True):
            if parameter.network is None:
                basic.append((name, self.words.domain(parameter.sort)))
            else:
                messages.append((name, self.terms.messages(parameter.network)))
        return tuple(basic), tuple(messages)

    # ---- LET
    def _name_locals(self, action: TracedAction) -> None:
        """Names for the author's local variables; one that means different things on different paths gets numbers."""
        self._locals: dict[int, Term] = {}
        self.terms.needed.clear()
        for transition in action.transitions:
            for name, term in transition.locals.items():
                if term.id not in self._locals and term.op not in ("app", "var", "const") and not _is_read(term):
                    self._locals[term.id] = term
                    self.terms.names[term.id] = self.words.scope.claim(name)

    def _lets(self, witness: frozenset[int]) -> tuple[tuple[str, Doc], ...]:
        """The definitions that were needed and depend on this witness (on none: the rest), innermost first."""
        found: dict[int, Doc] = {}
        while todo := [i for i in self.terms.needed if i not in found and witness <= self._locals[i].free]:
            for number in todo:
                found[number] = self.terms.doc(self._locals[number], unfold=True)
        for number in found:
            del self.terms.needed[number]
        return tuple((self.terms.names[number], found[number]) for number in sorted(found))

    # ---- the plan
    def _plan(self, block: Block) -> Plan:
        return self._conditions(block, list(block.conditions))

    def _conditions(self, block: Block, conditions: list[Condition]) -> Plan:
        guards: list[Doc] = []
        for place, condition in enumerate(conditions):
            if isinstance(condition, Witness):
                return Plan(tuple(guards), self._bound(condition, block, conditions[place + 1 :]))
            guards += self._guard(condition.term)
        return Plan(tuple(guards), self._end(block))

    def _end(self, block: Block) -> Leaf | Fork:
        if block.fork is not None:
            assert block.then is not None
            assert block.otherwise is not None
            return Fork(self.terms.doc(block.fork.term), self._plan(block.then), self._plan(block.otherwise))
        return Leaf(dead=True) if block.transition is None else self._leaf(block.transition)

    def _bound(self, witness: Witness, block: Block, rest: list[Condition]) -> Bound:
        domain = self.words.domain(witness.bound.sort)
        if witness.kind == "the":
            with self.terms.binding((witness.var,)) as (name,):
                conditions = tuple(self._guard(witness.body))
                plan = self._conditions(block, rest)
                lets = self._lets(frozenset((witness.var.id,)))
            return Bound(witness.var.id, f"\\E {name} \\in {domain} :", conditions, None, lets, plan)
        with self.terms.binding((witness.var,)) as (name,):
            members = self.terms.filtered((witness.bound,), witness.body)
            condition = Text(f"{self.words.use(self.words.is_quorum)}({name})")
            plan = self._conditions(block, rest)
            lets = self._lets(frozenset((witness.var.id,)))
        return Bound(witness.var.id, "", (condition,), (name, members), lets, plan)

    def _guard(self, term: Term) -> list[Doc]:
        """A guard, conjunct by conjunct."""
        if term.op == "and" and not self.terms.is_named(term):
            found: list[Doc] = []
            for parts, merged in self.terms.conjuncts(term.args):
                found += self._guard(parts[0]) if merged is None else [merged]
            return found
        if _splits(term):
            return [Row((self.terms.doc(term, ATOM), Text(" = TRUE")))]
        return [self.terms.doc(term, OPEN)]

    def _leaf(self, transition: Transition) -> Leaf:
        limits = tuple(self._limit(limit) for limit in self.limits.of(transition))
        once = tuple({piece.text: piece for piece in limits}.values())
        values: dict[str, Piece] = {}
        for variable in self.words.variables:
            updates = [transition.updates[f] for f in variable.functions if f in transition.updates]
            if updates:
                doc = self.updates.variable(variable, transition.updates, variable.name)
                parts = ((u.value, *u.index) for u in chain.from_iterable(updates))
                values[variable.name] = Piece(doc, _witnesses(chain.from_iterable(parts)))
        for name, text in self.words.networks.items():
            effects = tuple(e for e in transition.effects if e.network == name)
            if effects:
                doc = self.updates.network(self.words.traced.networks[name], effects, Text(text))
                values[text] = Piece(doc, _witnesses(chain.from_iterable(_terms(e) for e in effects)))
                once += self._capacity(name, effects)
        return Leaf(once, values)

    def _limit(self, limit: Limit) -> Piece:
        with self.terms.binding(limit.variables) as names:
            doc = self.terms.doc(limit.condition, ATOM if _splits(limit.condition) and not limit.variables else OPEN)
            if limit.variables:
                pairs = zip(names, limit.variables, strict=True)
                doc = Headed(f"\\A {ranged(tuple((n, self.words.domain(v.sort)) for n, v in pairs))} :", doc)
        if _splits(limit.condition):
            doc = Row((Text("("), doc, Text(") = TRUE"))) if limit.variables else Row((doc, Text(" = TRUE")))
        return Piece(doc, _witnesses((limit.condition,)))

    def _capacity(self, name: str, effects: tuple[Effect, ...]) -> tuple[Piece, ...]:
        """A bag holds at most so many messages, also between two effects of one step."""
        network = self.words.traced.networks[name]
        if not isinstance(network.declaration, BagDecl):
            return ()
        found = []
        base, more, inside = f"BagCardinality({self.words.networks[name]})", 0, frozenset[int]()
        for place, effect in enumerate(effects):
            if isinstance(effect, Forget):
                bag = self.updates.network(network, effects[: place + 1], Text(self.words.networks[name])).flat
                inside = _witnesses(chain.from_iterable(_terms(e) for e in effects[: place + 1]))
                base, more = f"BagCardinality({bag})", 0
                continue
            more += 1 if isinstance(effect, Send) else -1
            last = place + 1 == len(effects) or isinstance(effects[place + 1], Forget)
            if more > 0 and last:
                most = self.words.use(self.words.limits[network.declaration.bound])
                found.append(Piece(Text(f"{base} + {more} <= {most}"), inside))
        return tuple(found)

    # ---- lines
    def _lines(self, plan: Plan, open_: list[str]) -> list[Doc]:
        """The bullets of a plan, which has to say what becomes of the variables `open_`."""
        lines = list(plan.guards)
        end = plan.end
        if isinstance(end, Leaf):
            if end.dead:
                return [*lines, Text("FALSE")]
            lines += [piece.doc for piece in end.limits]
            return lines + self._assignments(end.values, open_, frozenset(open_) - end.values.keys())
        if isinstance(end, Bound):
            return [*lines, self._scoped(end, open_)]
        return lines + self._fork(plan, end, open_)

    def _scoped(self, end: Bound, open_: list[str]) -> Doc:
        body: Doc = Bullets((*end.conditions, *self._lines(end.rest, open_)))
        if end.definition is not None:
            return Let((end.definition, *end.lets), body)
        if end.lets:
            body = Let(end.lets, body)
        return Headed(end.head, body, indent=3)

    def _fork(self, plan: Plan, end: Fork, open_: list[str]) -> list[Doc]:
        dead = [not any(True for _ in leaves(branch)) for branch in (end.then, end.otherwise)]
        if all(dead):
            return [Text("FALSE")]
        written = assigned(plan)
        values = {n: piece for n, piece in common_values(plan).items() if n in open_}
        same = [n for n in open_ if n not in written]
        inner = [n for n in open_ if n in written and n not in values]
        limits = common_limits(plan)
        tested = {piece.text for piece in limits}
        then, otherwise = (self._lines(_without(branch, tested), inner) for branch in (end.then, end.otherwise))
        lines = [piece.doc for piece in limits]
        if any(line.flat != "TRUE" for line in (*then, *otherwise)):
            branches = (Bullets(tuple(lines or [Text("TRUE")])) for lines in (then, otherwise))
            lines.append(Choice(end.condition, *branches))
        return lines + self._assignments(values, [*values, *same], frozenset(same))

    def _assignments(self, values: Mapping[str, Piece], open_: list[str], same: frozenset[str]) -> list[Doc]:
        """`x' = ...` for new values, in the order in which they were written, and UNCHANGED for the rest."""
        lines: list[Doc] = [Headed(f"{n}' =", piece.doc) for n, piece in values.items() if n in open_]
        left = [name for name in self.words.names if name in same]
        if len(left) == len(self.words.names):
            return [*lines, Text(f"UNCHANGED {self.words.vars}")]
        if len(left) == 1:
            return [*lines, Text(f"UNCHANGED {left[0]}")]
        return [*lines, Names("UNCHANGED <<", tuple(left), ">>")] if left else lines


def _variables(action: TracedAction) -> tuple[Term, ...]:
    """The variables of all parameters; those of one parameter share its name."""
    return tuple(chain.from_iterable(p.variables for p in action.parameters))


def _splits(term: Term) -> bool:
    """Whether TLC would take a guard apart into several steps: it looks through whatever can hold two primed formulas."""
    if term.op in ("or", "exists", "exists_in"):
        return True
    if term.op in ("and", "ite", "forall", "forall_in"):
        return any(_splits(part) for part in children(term))
    return term.op == "implies" and _splits(term.args[1])


def _is_read(term: Term) -> bool:
    """Whether a term is only the negation of something short."""
    return term.op == "not" and term.args[0].op in ("app", "var")


def _terms(effect: Effect) -> tuple[Term, ...]:
    return (effect.body,) if isinstance(effect, Forget) else effect.fields


def _witnesses(terms: Iterable[Term]) -> frozenset[int]:
    """The witnesses that occur in terms."""
    found: set[int] = set()
    for term in terms:
        found |= {v for v in term.free if term.graph.terms[v].args[1] == "witness"}
    return frozenset(found)


def _without(plan: Plan, tested: set[str]) -> Plan:
    """A plan without the bounds that have been tested before it."""
    if isinstance(plan.end, Leaf):
        limits = tuple(piece for piece in plan.end.limits if piece.text not in tested)
        return Plan(plan.guards, Leaf(limits, plan.end.values, plan.end.dead))
    if isinstance(plan.end, Fork):
        then, otherwise = (_without(branch, tested) for branch in (plan.end.then, plan.end.otherwise))
        return Plan(plan.guards, Fork(plan.end.condition, then, otherwise))
    end = plan.end
    return Plan(
        plan.guards, Bound(end.witness, end.head, end.conditions, end.definition, end.lets, _without(end.rest, tested))
    )
