"""C source for ground terms and instances: what `model.language.ground_code` writes in Python, for the evaluator of misses.

A function gets the flat state in two parts: `v`, the basic values by place, and `c`, the contents of slots by place - WIDTH (see
`runtime/miss.h`). Where the reading in Python raises an error, a function answers ASK. A read of a place that the group does not
see is refused here, when the text is written (FootprintError).
"""

from collections.abc import Iterable
from typing import Any

from model.engines.compiled.footprint import FootprintError
from model.engines.compiled.slots import EMPTY, places
from model.language.declare import BagDecl
from model.language.graph import Term, bound_of
from model.language.ground import Choice, GroundAction, GroundBlock, Instance, Write
from model.language.ground_code import Writer
from model.language.ground_terms import ARITHMETIC, Expressions, Names, Notation
from model.language.layout import Layout
from model.language.primitives import key_places
from model.language.sorts import Bounds, Node
from model.language.transition import Effect, Forget, Receive, Send

WIDEST = 63
"""A choice is made by a bit mask: so many elements a sort may have here."""


class TooWide(Exception):
    """The C form does not cover this spec within these bounds; the Python form does."""


C = Notation(
    infix={**ARITHMETIC, "and": " && ", "or": " || "},
    forms={
        "not": "(!{0})",
        "implies": "(!{0} || {1})",
        "ite": "({0} ? {1} : {2})",
        "member": "in_quorum({0}, {1})",
    },
    unless="!{0}",
    within="({low} <= {x} && {x} < {high})",
)


class CExpressions(Expressions):
    """Terms as C expressions. `seen` are the places that may be read."""

    notation = C

    def __init__(self, layout: Layout, first_slot: int) -> None:
        super().__init__(layout)
        self.first_slot = first_slot
        self.seen: frozenset[int] = frozenset()

    def constant(self, value: Any) -> str:
        """See `Expressions`."""
        return str(int(value))

    def _see(self, place: int) -> None:
        if place not in self.seen:
            raise FootprintError(f"place {place} outside of the footprint is read; please report this")

    def leaf(self, term: Term) -> str:
        """See `Expressions`."""
        self._see(term.args[0])
        return super().leaf(term)

    def at(self, place: str, *, primed: bool) -> str:
        """See `Expressions`."""
        return f"{'t' if primed else 's'}->v[{place}]"

    def message(self, fields: Iterable[Term], names: Names) -> str:
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

    def contains(self, term: Term, names: Names) -> str:
        """See `Expressions`."""
        name = term.args[0]
        return f"has({self.network(name)}, {self.message(term.args[1:], names)}, {self.width(name)})"

    def messages(self, term: Term, names: Names) -> str:
        """See `Expressions`."""
        name, every = term.args[0], term.op == "forall_in"
        x, inner = self.loop(bound_of(term), names)
        body = self.text(term.args[-1], inner)
        names.last = inner.last
        return (
            f"({{ int r{x} = {int(every)}; const Content *q{x} = {self.network(name)}; "
            f"for (u32 i{x} = 0; i{x} < q{x}->n; i{x}++) {{ const i32 *{x} = q{x}->at + i{x} * {self.width(name)}; "
            f"(void){x}; if ({'!' if every else ''}{body}) {{ r{x} = {int(not every)}; break; }} }} r{x}; }})"
        )

    def select(self, term: Term, names: Names) -> str:
        """See `Expressions`."""
        for place in places(self.layout.regions[term.args[0].removesuffix("'")], term.args[1:]):
            self._see(place)
        return super().select(term, names)


class CWriter(Writer):
    """Writes functions in C. `seeing` sets the places that the next functions may read."""

    expressions: CExpressions
    disabled = "DISABLED"

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

    # ---- as C has it
    def new(self, place: str) -> str:
        """See `Writer`."""
        return f"t->v[{place}]"

    def _assign(self, name: str, text: str, indent: str) -> None:
        self.lines.append(f"{indent}const i32 {name} = {text};")

    def _returned(self, outcome: str, indent: str, when: str) -> str:
        return f"{indent}if ({when}) return {outcome};" if when else f"{indent}return {outcome};"

    def _branch(self, condition: str, indent: str) -> None:
        self.lines.append(f"{indent}if ({condition}) {{")

    def _end_of_branch(self, indent: str) -> None:
        self.lines.append(f"{indent}}}")

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

    def _begin_step(self, block: GroundBlock, indent: str) -> bool:
        self.lines.append(f"{indent}*t = *s;")
        return True

    def _end_step(self, indent: str) -> None:
        self._return("STEP", indent)

    def _write(self, write: Write, names: Names, indent: str, checks: list[str]) -> bool:
        if write.value.op == "const" and write.value.args[0] == EMPTY:
            place = self.layout.regions[write.function].base
            self.lines.append(f"{indent}t->c[{place - self.first_slot}] = &EMPTY;")
            return True
        return super()._write(write, names, indent, checks)

    def _store(self, new: str, value: str, condition: str, indent: str) -> None:
        self.lines.append(f"{indent}{f'if ({condition}) ' if condition else ''}{new} = {value};")

    def _below_zero(self, new: str, guard: str, where: str, name: str, indent: str) -> str:
        return self._returned("ASK", indent, f"{guard}{new} < 0")

    def _message(self, name: str, fields: tuple[Term, ...], names: Names, indent: str) -> None:
        values = ", ".join(self.expressions.text(f, names) for f in fields)
        self.lines.append(f"{indent}const i32 {name}[] = {{{values}}};")

    def _network(self, effect: Effect) -> str:
        return f"t->c[{self.layout.networks[effect.network] - self.first_slot}]"

    def _receive(self, effect: Receive, message: str, indent: str) -> None:
        slot, width = self._network(effect), self.expressions.width(effect.network)
        self._return("ASK", indent, f"!({slot} = removed(e, {slot}, {message}, {width}))")

    def _send(self, effect: Send, message: str, indent: str) -> None:
        network = self.layout.traced.networks[effect.network]
        slot, width = self._network(effect), self.expressions.width(effect.network)
        if isinstance(network.declaration, BagDecl):
            self._return("CUT", indent, f"{slot}->n >= {self.bounds[network.declaration.bound]}")
            self._return("ASK", indent, f"!({slot} = inserted(e, {slot}, {message}, {width}, 0, 0))")
            return
        key = key_places(network, self.bounds)
        places_of_key = f"(const u32[]){{{', '.join(map(str, key))}}}" if key else "0"
        inserted = f"inserted(e, {slot}, {message}, {width}, {places_of_key}, {len(key)})"
        self._return("ASK", indent, f"!has({slot}, {message}, {width}) && !({slot} = {inserted})")

    def _forget(self, effect: Forget, loop: str, body: str, indent: str) -> None:
        slot, width = self._network(effect), self.expressions.width(effect.network)
        self.lines += [
            f"{indent}if ({slot}->n) {{",
            f"{indent}    Content *r{loop} = fresh(e, {slot}->size);",
            f"{indent}    if (!r{loop}) return ASK;",
            f"{indent}    r{loop}->n = 0;",
            f"{indent}    for (u32 i{loop} = 0; i{loop} < {slot}->n; i{loop}++) {{",
            f"{indent}        const i32 *{loop} = {slot}->at + i{loop} * {width};",
            f"{indent}        if (!{body}) memcpy(r{loop}->at + r{loop}->n++ * {width}, {loop}, {width} * sizeof(i32));",
            f"{indent}    }}",
            f"{indent}    r{loop}->size = r{loop}->n * {width}, {slot} = r{loop};",
            f"{indent}}}",
        ]
