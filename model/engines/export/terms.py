"""Terms of the graph as TLA+ expressions.

What the language takes apart is put together again: the flag and the value of an Option are one expression that may be Nil, the
components of a message one record. Reads are total: an argument that may lie outside of a function's domain is tested first.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from model.engines.export.compounds import Compounds
from model.engines.export.layout import Choice, Doc, Headed, Implication, Infix, Junction, Listing, Row, Text
from model.engines.export.names import identifier
from model.engines.export.unset import Unset, is_option_value
from model.engines.export.vocabulary import CELL, CELL_SOME, LENGTH, SOME, VALUE, Access, Vocabulary
from model.language.graph import Term, bound_of, postorder
from model.language.sorts import Abstract, Bool, OptionOf, Ordinal, Quorum
from model.language.transition import RuleCall

OPEN, IMPLIES, IFF, JUNCTION, NOT, COMPARE, SET, ADD, ATOM = 0, 1, 2, 3, 4, 5, 8, 10, 16
"""Precedences: an expression in a place of a higher one gets brackets. Quantifiers, IF and CHOOSE are OPEN."""

_JUNCTIONS = {"and": "/\\", "or": "\\/"}
_QUANTIFIERS = {"forall": "\\A", "exists": "\\E", "forall_in": "\\A", "exists_in": "\\E"}


class Terms:
    """Writes terms. `names` are the LET definitions in scope (term id -> name), `needed` those that have been used.

    `environment` says what variables are called: (text, whether it is the flag of the Option with this text).
    """

    def __init__(self, words: Vocabulary, unset: Unset) -> None:
        self.words, self.unset, self.graph = words, unset, words.graph
        self.names: dict[int, str] = {}
        self.needed: dict[int, None] = {}
        self.environment: dict[int, tuple[str, bool]] = {}
        self.compounds = Compounds(self)

    # ---- variables
    def bind(self, variables: tuple[Term, ...]) -> tuple[str, ...]:
        """Name variables in the current scope; components of one message share a name. The names, in order."""
        names: dict[str, str] = {}
        for place, variable in enumerate(variables):
            root, *fields = str(variable.args[0]).split(".")
            if root not in names:
                names[root] = self.words.scope.claim(root)
            flag = place + 1 < len(variables) and is_option_value(variables, place + 1)
            if flag or is_option_value(variables, place):
                fields = fields[:-1]
            text = ".".join((names[root], *(identifier(f) for f in fields)))
            self.environment[variable.id] = (text, flag)
        return tuple(names.values())

    @contextmanager
    def binding(self, variables: tuple[Term, ...]) -> Iterator[tuple[str, ...]]:
        """Names for variables inside of a block."""
        before = dict(self.environment)
        with self.words.scope.inner():
            yield self.bind(variables)
        self.environment = before

    # ---- expressions
    def flat(self, term: Term, level: int = OPEN) -> str:
        """A term on one line."""
        return self.doc(term, level).flat

    def doc(self, term: Term, level: int = OPEN, *, unfold: bool = False) -> Doc:
        """A term in a place of the given precedence. `unfold`: not by its own LET name or rule."""
        if not unfold:
            name = self.names.get(term.id)
            if name is not None:
                self.needed[term.id] = None
                return Text(name)
            call = self.call(term)
            if call is not None:
                return self.compounds.call(call)
        own, doc = self._node(term)
        return Row((Text("("), doc, Text(")"))) if own < level else doc

    def _node(self, t: Term) -> tuple[int, Doc]:
        """A term by its operation, and how strongly that binds."""
        if t.op == "var":
            text, flag = self.environment[t.id]
            return (COMPARE, Text(f"{text} # {self.nil()}")) if flag else (ATOM, Text(text))
        if t.op == "const":
            return ATOM, Text(self.words.constant(t.args[0], t.sort))
        if t.op == "app":
            return self._app(t)
        if t.op in _JUNCTIONS:
            return self._junction(t)
        if t.op in _QUANTIFIERS:
            return OPEN, self._quantifier(t)
        written: tuple[int, Doc] = getattr(self, f"_{t.op}")(t)
        return written

    def nil(self) -> str:
        """What stands for NONE and for an element that is unset."""
        return self.words.use(self.words.nil)

    # ---- reading the state
    def _app(self, t: Term) -> tuple[int, Doc]:
        access, text, outside = self._read(t)
        if access.part in (SOME, CELL_SOME):
            parts = [Text(test) for test in outside]
            found = Text(f"{text} # {self.nil()}")
            return (JUNCTION, Junction("/\\", (*parts, found))) if parts else (COMPARE, found)
        if not outside:
            return ATOM, Text(text)
        low = Text(self.words.constant(self._default(access, t), t.sort))
        tests: tuple[Doc, ...] = tuple(Text(test) for test in outside)
        return OPEN, Choice(Junction("/\\", tests), Text(text), low)

    @staticmethod
    def _default(access: Access, t: Term) -> object:
        from_none = access.part == VALUE and isinstance(access.variable.type, OptionOf)
        if from_none or issubclass(t.sort, Abstract | Quorum):
            return None
        return t.sort.members[0] if hasattr(t.sort, "members") else False if t.sort is Bool else 0

    def _read(self, t: Term) -> tuple[Access, str, tuple[str, ...]]:
        """How a primitive function is read at its arguments: access, text, and tests of what may be outside of the domain."""
        name = t.args[0]
        access = self.words.functions[name.removesuffix("'")]
        args = t.args[1:]
        variable = access.variable
        at = args[: len(variable.args)]
        text = self.at(variable.name + ("'" if name.endswith("'") else ""), at)
        outside = tuple(
            f"{self.flat(a, SET)} \\in {self.words.domain(a.sort)}" for a in at if not self.surely_inside(a)
        )
        if access.part == LENGTH:
            return access, f"Len({text})", outside
        if access.part in (CELL, CELL_SOME):
            element = self.words.use(self.words.reading[variable.type.record])
            return access, f"{element}({text}, {self.flat(args[-1])}).{identifier(access.field)}", outside
        return access, text, outside

    def at(self, base: str, index: tuple[Term, ...]) -> str:
        """A function applied to arguments."""
        return base + "".join(f"[{self.flat(i)}]" for i in index)

    def surely_inside(self, t: Term) -> bool:
        """Whether the value of a term is an element of its sort within the bounds, whatever they are."""
        if t.op == "ite":
            return self.surely_inside(t.args[1]) and self.surely_inside(t.args[2])
        if issubclass(t.sort, Abstract | Quorum):
            return not self.unset.may_be(t)
        if issubclass(t.sort, Ordinal):
            return t.op in ("var", "app") or (t.op == "const" and t.args[0] == 0)
        return True

    # ---- logic
    def _junction(self, t: Term) -> tuple[int, Doc]:
        pairs = self.conjuncts(t.args) if t.op == "and" else (((a,), None) for a in t.args)
        items = tuple(self.doc(parts[0], NOT) if merged is None else merged for parts, merged in pairs)
        return (JUNCTION, Junction(_JUNCTIONS[t.op], items)) if len(items) > 1 else (COMPARE, items[0])

    def conjuncts(self, parts: tuple[Term, ...]) -> Iterator[tuple[tuple[Term, ...], Doc | None]]:
        """The parts of a conjunction, each by itself, or two that together compare an Option, with that comparison."""
        place = 0
        while place < len(parts):
            same = self.option_equality(parts[place], parts[place + 1]) if place + 1 < len(parts) else None
            yield parts[place : place + 1 + (same is not None)], Text(f"{same[0]} = {same[1]}") if same else None
            place += 1 if same is None else 2

    def option_equality(self, first: Term, second: Term) -> tuple[str, str] | None:
        """The two sides, if two conjuncts say that an Option is some element, or that two Options are equal."""
        if self.names.keys() & {first.id, second.id}:
            return None
        if second.op == "eq":
            for value, other in (second.args, second.args[::-1]):
                if self.belong(first, value) and not self.unset.may_be(other):
                    return self.flat(value, SET), self.flat(other, SET)
        if first.op == "eq" and second.op == "implies" and second.args[1].op == "eq":
            (a, b), (x, y) = first.args, second.args[1].args
            if second.args[0] is a and self.belong(a, x) and self.belong(b, y):
                return self.flat(x, SET), self.flat(y, SET)
        return None

    def belong(self, flag: Term, value: Term) -> bool:
        """Whether two terms are the flag and the value of one Option."""
        text = self.option(flag)
        return text is not None and value.op in ("var", "app") and self.flat(value) == text

    def option(self, flag: Term) -> str | None:
        """The Option whose flag a term is."""
        if flag.op == "var":
            text, is_flag = self.environment[flag.id]
            return text if is_flag else None
        if flag.op == "app":
            access, text, outside = self._read(flag)
            return text if access.part in (SOME, CELL_SOME) and not outside else None
        return None

    def _not(self, t: Term) -> tuple[int, Doc]:
        (a,) = t.args
        if not self.is_named(a):
            option = self.option(a)
            if option is not None:
                return COMPARE, Text(f"{option} = {self.nil()}")
            if a.op == "eq" and a.args[0].sort is not Bool:
                return self._infix("#", a.args[0], a.args[1])
            if a.op == "lt":
                return self._infix("<=", a.args[1], a.args[0])
            if a.op == "le":
                return self._infix("<", a.args[1], a.args[0])
            if a.op == "and" and len(a.args) == 2:
                same = self.option_equality(*a.args)
                if same is not None:
                    return COMPARE, Text(f"{same[0]} # {same[1]}")
            if a.op in ("member", "contains") and " \\in " in self.flat(a):
                return COMPARE, Text(self.flat(a).replace(" \\in ", " \\notin ", 1))
        return NOT, Row((Text("~"), self.doc(a, NOT)))

    def _implies(self, t: Term) -> tuple[int, Doc]:
        return IMPLIES, Implication(self.doc(t.args[0], IFF), self.doc(t.args[1], IFF))

    def _ite(self, t: Term) -> tuple[int, Doc]:
        condition, then, otherwise = t.args
        if condition.op == "lt" and condition.id not in self.names:
            a, b = condition.args
            if (then.id, otherwise.id) in ((a.id, b.id), (b.id, a.id)):
                word = self.words.min if then.id == a.id else self.words.max
                return ATOM, Listing(f"{self.words.use(word)}(", (self.doc(a), self.doc(b)), ")")
        if _is_at_least_a_minimum(condition):
            return self._node(then) if not self.is_named(then) else (ATOM, self.doc(then))
        return OPEN, Choice(self.doc(condition), self.doc(then), self.doc(otherwise))

    # ---- comparisons, arithmetic
    def _infix(self, sign: str, a: Term, b: Term) -> tuple[int, Doc]:
        mirrored = {"<": ">", "<=": ">=", "=": "=", "#": "#"}
        if a.op == "const" and b.op != "const":
            a, b, sign = b, a, mirrored[sign]
        return COMPARE, Infix(self.doc(a, SET), sign, self.doc(b, SET))

    def _eq(self, t: Term) -> tuple[int, Doc]:
        a, b = t.args
        if a.sort is Bool:
            return IFF, Infix(self.doc(a, JUNCTION), "<=>", self.doc(b, JUNCTION))
        return self._infix("=", a, b)

    def _lt(self, t: Term) -> tuple[int, Doc]:
        return self._infix("<", *t.args)

    def _le(self, t: Term) -> tuple[int, Doc]:
        return self._infix("<=", *t.args)

    def _add(self, t: Term) -> tuple[int, Doc]:
        return ADD, Infix(self.doc(t.args[0], ADD), "+", self.doc(t.args[1], ADD + 1))

    def _sub(self, t: Term) -> tuple[int, Doc]:
        return ADD, Infix(self.doc(t.args[0], ADD), "-", self.doc(t.args[1], ADD + 1))

    # ---- sets
    def _member(self, t: Term) -> tuple[int, Doc]:
        node, quorum = t.args
        text = f"{self.flat(node, SET)} \\in {self.flat(quorum, SET)}"
        if not self.unset.may_be(quorum):
            return COMPARE, Text(text)
        return JUNCTION, Text(f"{self.flat(quorum, SET)} # {self.nil()} /\\ {text}")

    def filtered(self, variables: tuple[Term, ...], body: Term) -> Doc:
        """`{n \\in Node : body}`, or the whole set."""
        if body.op == "const" and body.args[0]:
            return Text(self.words.domain(variables[0].sort))
        with self.binding(variables) as names:
            head = f"{{{names[0]} \\in {self.words.domain(variables[0].sort)} : "
            return Row((Text(head), self.doc(body), Text("}")))

    def _count(self, t: Term) -> tuple[int, Doc]:
        return ATOM, Row((Text("Cardinality("), self.filtered(*t.args), Text(")")))

    def _is_quorum(self, t: Term) -> tuple[int, Doc]:
        name = self.words.use(self.words.is_quorum)
        return ATOM, Row((Text(f"{name}("), self.filtered(*t.args), Text(")")))

    def _quantifier(self, t: Term) -> Doc:
        variables, body = list(bound_of(t)), t.args[-1]
        sign = _QUANTIFIERS[t.op]
        if t.op in ("forall_in", "exists_in"):
            with self.binding(tuple(variables)) as names:
                return Headed(f"{sign} {names[0]} \\in {self.messages(t.args[0])} :", self.doc(body))
        while body.op == t.op and not self.is_named(body):
            variables += bound_of(body)
            body = body.args[-1]
        with self.binding(tuple(variables)) as names:
            ranges = ranged(tuple((n, self.words.domain(v.sort)) for n, v in zip(names, variables, strict=True)))
            return Headed(f"{sign} {ranges} :", self.doc(body))

    def messages(self, label: str) -> str:
        """The set of the messages of a network (primed: in the second state)."""
        name = label.removesuffix("'")
        text = self.words.networks[name] + ("'" if label.endswith("'") else "")
        return f"BagToSet({text})" if self.words.traced.networks[name].is_bag else text

    def _contains(self, t: Term) -> tuple[int, Doc]:
        label, fields = t.args[0], t.args[1:]
        network = self.words.traced.networks[label.removesuffix("'")]
        record = self.compounds.record(network.record, fields)
        if network.is_bag:
            bag = self.words.networks[network.name] + ("'" if label.endswith("'") else "")
            return ATOM, Listing("BagIn(", (record, Text(bag)), ")")
        return COMPARE, Infix(record, "\\in", Text(self.messages(label)))

    # ---- rules
    def call(self, term: Term) -> RuleCall | None:
        """The rule call that a term is the result of; not one that just hands an argument back."""
        call: RuleCall | None = self.graph.calls.get(term.id)
        if call is None or any(t is term for a in call.arguments for t in postorder(a)):
            return None
        return call

    def is_named(self, term: Term) -> bool:
        """Whether a term is written as the name of a definition or as the call of a rule."""
        return term.id in self.names or self.call(term) is not None


def _is_at_least_a_minimum(t: Term) -> bool:
    """Whether a term says that the smaller of two numbers is at most one of them (reads after a truncation say it)."""
    if t.op != "le" or t.args[0].op != "ite" or t.args[0].args[0].op != "lt":
        return False
    (a, b), then, otherwise = t.args[0].args[0].args, t.args[0].args[1], t.args[0].args[2]
    return a is then and b is otherwise and (t.args[1] is a or t.args[1] is b)


def ranged(pairs: tuple[tuple[str, str], ...]) -> str:
    """`a, b \\in Node, i \\in Index`: neighbours over the same set share it."""
    groups: list[tuple[list[str], str]] = []
    for name, domain in pairs:
        if groups and groups[-1][1] == domain:
            groups[-1][0].append(name)
        else:
            groups.append(([name], domain))
    return ", ".join(f"{', '.join(names)} \\in {domain}" for names, domain in groups)
