"""C source for ground terms and instances: what `model.language.ground_code` writes in Python, for the evaluator of misses.

A function gets the flat state in two parts: `v`, the basic values by place, and `c`, the contents of slots by place - WIDTH (see
`runtime/miss.h`). Where the reading in Python raises an error, a function answers ASK. A read of a place that the group does not
see is refused here, when the text is written (FootprintError).
"""

from collections.abc import Callable
from typing import Any

from model.engines.compiled.footprint import FootprintError
from model.engines.compiled.slots import EMPTY, places
from model.language.declare import BagDecl
from model.language.graph import Term, bound_of
from model.language.ground import Choice, GroundAction, GroundBlock, Instance, Write
from model.language.ground_code import Expressions, Names, Writer, span, values_of
from model.language.layout import Layout, Region
from model.language.primitives import key_places
from model.language.sorts import Bounds, Node, Ordinal, default
from model.language.transition import Effect, Forget, Receive, Send

WIDEST = 63
"""A choice is made by a bit mask: so many elements a sort may have here."""


class TooWide(Exception):
    """The C form does not cover this spec within these bounds; the Python form does."""


class CExpressions(Expressions):
    """Terms as C expressions. `seen` are the places that may be read."""

    def __init__(self, layout: Layout, first_slot: int) -> None:
        super().__init__(layout)
        self.first_slot = first_slot
        self.seen: frozenset[int] = frozenset()

    def text(self, term: Term, names: Names) -> str:
        """One expression; `names` says what is a local already."""
        known = names.text.get(term.id)
        if known is not None:
            return known
        return _FORMS.get(term.op, CExpressions._operation)(self, term, names)

    def _operation(self, term: Term, names: Names) -> str:
        return "(" + _OPERATORS[term.op].join(self.text(a, names) for a in term.args) + ")"

    def _const(self, term: Term, names: Names) -> str:
        return str(int(term.args[0]))

    def _see(self, place: int) -> None:
        if place not in self.seen:
            raise FootprintError(f"place {place} outside of the footprint is read; please report this")

    def _leaf(self, term: Term, names: Names) -> str:
        self._see(term.args[0])
        return f"{'t' if term.args[1] else 's'}->v[{term.args[0]}]"

    def _not(self, term: Term, names: Names) -> str:
        return f"(!{self.text(term.args[0], names)})"

    def _implies(self, term: Term, names: Names) -> str:
        a, b = term.args
        return f"(!{self.text(a, names)} || {self.text(b, names)})"

    def _ite(self, term: Term, names: Names) -> str:
        condition, then, otherwise = (self.text(a, names) for a in term.args)
        return f"({condition} ? {then} : {otherwise})"

    def _member(self, term: Term, names: Names) -> str:
        node, quorum = (self.text(a, names) for a in term.args)
        return f"in_quorum({node}, {quorum})"

    def fields(self, fields: tuple[Term, ...], names: Names) -> str:
        """A message as an array."""
        return "((const i32[]){" + ", ".join(self.text(f, names) for f in fields) + "})"

    def network(self, name: str) -> str:
        """The content of a slot."""
        place = self.layout.networks[name.removesuffix("'")]
        self._see(place)
        return f"{'t' if name.endswith(chr(39)) else 's'}->c[{place - self.first_slot}]"

    def width(self, name: str) -> int:
        """The integers of a message."""
        return len(self.layout.traced.networks[name.removesuffix("'")].fields)

    def _contains(self, term: Term, names: Names) -> str:
        name = term.args[0]
        return f"has({self.network(name)}, {self.fields(term.args[1:], names)}, {self.width(name)})"

    def _messages(self, term: Term, names: Names) -> str:
        name, every = term.args[0], term.op == "forall_in"
        x, inner = self.loop(bound_of(term), names)
        body = self.text(term.args[-1], inner)
        names.last = inner.last
        return (
            f"({{ int r{x} = {int(every)}; const Content *q{x} = {self.network(name)}; "
            f"for (u32 i{x} = 0; i{x} < q{x}->n; i{x}++) {{ const i32 *{x} = q{x}->at + i{x} * {self.width(name)}; "
            f"(void){x}; if ({'!' if every else ''}{body}) {{ r{x} = {int(not every)}; break; }} }} r{x}; }})"
        )

    def _select(self, term: Term, names: Names) -> str:
        region = self.layout.regions[term.args[0].removesuffix("'")]
        for at in places(region, term.args[1:]):
            self._see(at)
        place, inside = self.place(region, term.args[1:], names)
        leaf = f"{'t' if term.args[0].endswith(chr(39)) else 's'}->v[{place}]"
        if not inside:
            return leaf
        result = region.function.result
        return f"({' && '.join(inside)} ? {leaf} : {int(self.layout.codec.encode(default(result), result))})"

    def place(self, region: Region, index: tuple[Term, ...], names: Names) -> tuple[str, list[str]]:
        """The leaf's place as an expression, and what must hold for the index to be within the domain."""
        fixed, parts, inside = region.base, [], []
        for term, first, size, stride in zip(index, region.firsts, region.sizes, region.strides, strict=True):
            fixed += (term.args[0] if term.op == "const" else 0) * stride - first * stride
            text = self.text(term, names)
            if term.op != "const":
                parts.append(f"{text} * {stride}")
            low, high = span(term, self.layout)
            if low < first or high >= first + size:
                inside.append(f"({first} <= {text} && {text} < {first + size})")
        return " + ".join([*parts, f"({fixed})"]), inside


_FORMS: dict[str, Callable[[CExpressions, Term, Names], str]] = {
    "const": CExpressions._const,
    "leaf": CExpressions._leaf,
    "not": CExpressions._not,
    "implies": CExpressions._implies,
    "ite": CExpressions._ite,
    "member": CExpressions._member,
    "contains": CExpressions._contains,
    "forall_in": CExpressions._messages,
    "exists_in": CExpressions._messages,
    "select": CExpressions._select,
}
_OPERATORS = {
    "add": " + ",
    "sub": " - ",
    "sum": " + ",
    "eq": " == ",
    "lt": " < ",
    "le": " <= ",
    "and": " && ",
    "or": " || ",
}


class CWriter(Writer):
    """Writes functions in C. `seeing` sets the places that the next functions may read."""

    expressions: CExpressions

    def __init__(self, layout: Layout, bounds: Bounds, first_slot: int) -> None:
        super().__init__(layout, bounds)
        self.first_slot = first_slot
        self.expressions = CExpressions(layout, first_slot)
        self._quorums()

    def seeing(self, places: frozenset[int]) -> None:
        """What the next functions may read."""
        self.expressions.seen = places

    def _quorums(self) -> None:
        """Membership in quorums, and the quorum that a set of nodes is."""
        codec = self.layout.codec
        nodes = range(len(codec.domain(Node))) if codec.quorums else range(0)
        masks = [sum(1 << n for n in nodes if n in q) for q in codec.quorums]
        if len(nodes) > WIDEST:
            raise TooWide(f"{len(nodes)} nodes")
        self.lines += [
            f"static const u64 QUORUMS[] = {{{', '.join(f'{m}ull' for m in [*masks, 0])}}};",
            "static inline int in_quorum(i32 node, i32 quorum) {",
            "    return quorum >= 0 && node >= 0 && (QUORUMS[quorum] >> node & 1);",
            "}",
            "static inline i32 the_quorum(u64 nodes) {",
            f"    for (i32 i = 0; i < {len(masks)}; i++) if (QUORUMS[i] == nodes) return i;",
            "    return -1;",
            "}",
        ]

    # ---- functions
    def instance(self, name: str, action: GroundAction, instance: Instance) -> None:
        """One instance of an action: from `before` to `after`; gives DISABLED, STEP, CUT or ASK."""
        messages = [f"m{i}" for i in range(len(action.messages))]
        parameters = "".join(f", const i32 *{m}" for m in messages)
        self.lines.append(f"static int {name}(Evaluator *e{parameters}) {{")
        self.lines.append("    const State *s = &e->before; State *t = &e->after; (void)s, (void)t;")
        names = Names()
        for variable, (_, _, fields) in zip(messages, action.messages, strict=True):
            names.text.update((f.id, f"{variable}[{i}]") for i, f in enumerate(fields))
        self._uses = {}
        self._count_block(instance.tree)
        self._block(instance.tree, names, "    ")
        self.lines.append("}")

    def predicate(self, name: str, term: Term, variables: tuple[tuple[Term, ...], ...] = ()) -> None:
        """A property of a state, or of a state and the next one; `variables` are those of messages that it is given."""
        names = Names()
        for i, fields in enumerate(variables):
            names.text.update((f.id, f"m{i}[{j}]") for j, f in enumerate(fields))
        parameters = "".join(f", const i32 *m{i}" for i in range(len(variables)))
        self.lines.append(f"static int {name}(const State *s, const State *t{parameters}) {{")
        self._uses = {}
        self._count(term)
        self._locals(term, names, "    ")
        self.lines += ["    (void)s, (void)t;", f"    return {self.expressions.text(term, names)};", "}"]

    def _assign(self, name: str, text: str, indent: str) -> None:
        self.lines.append(f"{indent}const i32 {name} = {text};")

    # ---- blocks
    def _block(self, block: GroundBlock, names: Names, indent: str) -> None:
        for condition in block.conditions:
            if isinstance(condition, Choice):
                self._choice(condition, names, indent)
            else:
                self._guard(condition, names, indent)
        if block.fork is not None and block.then is not None and block.otherwise is not None:
            self.lines.append(f"{indent}if ({self._value(block.fork, names, indent)}) {{")
            self._block(block.then, Names(dict(names.text), names.last), indent + "    ")
            self.lines.append(f"{indent}}}")
            self._block(block.otherwise, names, indent)
        elif not block.enabled:
            self.lines.append(f"{indent}return DISABLED;")
        else:
            self._outcome(block, names, indent)

    def _guard(self, term: Term, names: Names, indent: str) -> None:
        for part in term.args if term.op == "and" and term.id not in names.text else (term,):
            self.lines.append(f"{indent}if (!{self._value(part, names, indent)}) return DISABLED;")

    def _choice(self, choice: Choice, names: Names, indent: str) -> None:
        options = [self._value(option, names, indent) for option in choice.options]
        if len(options) > WIDEST:
            raise TooWide(f"a choice among {len(options)} elements")
        found, chosen = names.fresh("c"), names.fresh("w")
        bits = " | ".join(f"(u64)({text}) << {i}" for i, text in enumerate(options)) or "0"
        self.lines.append(f"{indent}const u64 {found} = {bits};")
        if choice.kind == "quorum":
            self.lines.append(f"{indent}const i32 {chosen} = the_quorum({found});")
            self.lines.append(f"{indent}if ({chosen} < 0) return DISABLED;")
        else:
            self.lines += [
                f"{indent}if (!{found}) return DISABLED;",
                f"{indent}if ({found} & ({found} - 1)) return ASK;",
                f"{indent}const i32 {chosen} = __builtin_ctzll({found});",
            ]
        names.text[choice.var.id] = chosen

    def _outcome(self, block: GroundBlock, names: Names, indent: str) -> None:
        self.lines.append(f"{indent}*t = *s;")
        checks: list[str] = []
        for write in block.writes:
            if not self._write(write, names, indent, checks):
                return
        self.lines += checks
        for effect in block.effects:
            self._effect(effect, names, indent, later=False)
        self.lines.append(f"{indent}return STEP;")

    def _write(self, write: Write, names: Names, indent: str, checks: list[str]) -> bool:
        region = self.layout.regions[write.function]
        if write.value.op == "const" and write.value.args[0] == EMPTY:
            self.lines.append(f"{indent}t->c[{region.base - self.first_slot}] = &EMPTY;")
            return True
        fixed = [i.args[0] if i.op == "const" else None for i in write.index]
        ranges = zip(fixed, region.firsts, region.sizes, strict=True)
        if any(v is not None and not first <= v < first + size for v, first, size in ranges) or 0 in region.sizes:
            if not region.function.is_cell:
                self.lines.append(f"{indent}return CUT;")
            return region.function.is_cell
        value = self._value(write.value, names, indent)
        for index in write.index:
            self._locals(index, names, indent)
        place, inside = self.expressions.place(region, write.index, names)
        condition = " && ".join(inside) or "1"
        if inside and not region.function.is_cell:
            self.lines.append(f"{indent}if (!({condition})) return CUT;")
            condition = "1"
        self.lines.append(f"{indent}if ({condition}) t->v[{place}] = {value};")
        if issubclass(region.function.result, Ordinal):
            low, high = span(write.value, self.layout)
            limit = values_of(region.function.result, self.layout)[1]
            if low < 0:
                checks.append(f"{indent}if ({condition} && t->v[{place}] < 0) return ASK;")
            if high > limit:
                checks.append(f"{indent}if ({condition} && t->v[{place}] > {limit}) return CUT;")
        return True

    def _effect(self, effect: Effect, names: Names, indent: str, *, later: bool) -> None:
        network = self.layout.traced.networks[effect.network]
        slot = f"t->c[{self.layout.networks[effect.network] - self.first_slot}]"
        width = len(network.fields)
        if isinstance(effect, Forget):
            self._forget(effect, names, indent, slot, width)
            return
        for part in effect.fields:
            self._locals(part, names, indent)
        k = names.fresh("k")
        fields = ", ".join(self.expressions.text(f, names) for f in effect.fields)
        self.lines.append(f"{indent}const i32 {k}[] = {{{fields}}};")
        if isinstance(effect, Receive):
            self.lines.append(f"{indent}if (!({slot} = removed(e, {slot}, {k}, {width}))) return ASK;")
            return
        if isinstance(network.declaration, BagDecl):
            self.lines.append(f"{indent}if ({slot}->n >= {self.bounds[network.declaration.bound]}) return CUT;")
            self.lines.append(f"{indent}if (!({slot} = inserted(e, {slot}, {k}, {width}, 0, 0))) return ASK;")
        else:
            key = key_places(network, self.bounds)
            places_of_key = f"(const u32[]){{{', '.join(map(str, key))}}}" if key else "0"
            self.lines.append(
                f"{indent}if (!has({slot}, {k}, {width}) && "
                f"!({slot} = inserted(e, {slot}, {k}, {width}, {places_of_key}, {len(key)}))) return ASK;"
            )
        self._check_message(effect, k, indent)

    def _forget(self, effect: Forget, names: Names, indent: str, slot: str, width: int) -> None:
        self._locals(effect.body, names, indent)
        x, inner = self.expressions.loop(effect.bound, names)
        body = self.expressions.text(effect.body, inner)
        names.last = inner.last
        self.lines += [
            f"{indent}if ({slot}->n) {{",
            f"{indent}    Content *r{x} = fresh(e, {slot}->size);",
            f"{indent}    if (!r{x}) return ASK;",
            f"{indent}    r{x}->n = 0;",
            f"{indent}    for (u32 i{x} = 0; i{x} < {slot}->n; i{x}++) {{",
            f"{indent}        const i32 *{x} = {slot}->at + i{x} * {width};",
            f"{indent}        if (!{body}) memcpy(r{x}->at + r{x}->n++ * {width}, {x}, {width} * sizeof(i32));",
            f"{indent}    }}",
            f"{indent}    r{x}->size = r{x}->n * {width}, {slot} = r{x};",
            f"{indent}}}",
        ]

    def _check_message(self, effect: Send, message: str, indent: str) -> None:
        network: Any = self.layout.traced.networks[effect.network]
        for place, (part, (_, sort)) in enumerate(zip(effect.fields, network.fields, strict=True)):
            if not issubclass(sort, Ordinal):
                continue
            low, high = span(part, self.layout)
            limit = values_of(sort, self.layout)[1]
            if low < 0:
                self.lines.append(f"{indent}if ({message}[{place}] < 0) return ASK;")
            if high > limit:
                self.lines.append(f"{indent}if ({message}[{place}] > {limit}) return CUT;")
