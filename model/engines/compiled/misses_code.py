"""The C text that evaluates the misses of one partition: `runtime/miss.h` filled with the functions of its groups.

The text is a function of the spec, the bounds and the properties, so its hash names the compiled code in the cache.
"""

from collections.abc import Iterable

from model.engines.compiled.c_code import CWriter, TooWide
from model.engines.compiled.components import SOMETIMES, Group, Member, Partition
from model.engines.compiled.evaluate import guards_within, undecided
from model.language.sorts import Bool

_MOST_EVENTS = 63


class MissesCode:
    """`text`, and `tables`: per table whose steps it is about (the action's place, -1: states) and the events that its masks speak of."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.tables: list[tuple[int, tuple[str, ...]]] = []
        layout = self._layout = partition.layout
        self._slots = layout.base.width
        self._writer = CWriter(layout, partition.ground.bounds, self._slots)
        self._lines = self._writer.lines
        self._first = [0]
        for component in partition.components:
            self._first.append(self._first[-1] + len(component.projections))
        self._projections()
        for group in partition.groups:
            self._functions(group)
            self._group(group)
        self._alive()
        head = [
            f"#define WIDTH {self._slots}",
            f"#define SLOTS {layout.width - self._slots}",
            f"#define NGROUPS {len(partition.groups)}",
            f"#define NPROJECTIONS {self._first[-1]}",
            '#include "miss.h"',
        ]
        self.text = "\n".join([*head, *self._lines, ""])

    # ---- tables
    def _array(self, name: str, values: Iterable[int]) -> None:
        self._lines.append(f"static const i32 {name}[] = {{{', '.join(map(str, [*values, 0]))}}};")

    def _projections(self) -> None:
        for c, component in enumerate(self.partition.components):
            for p, places in enumerate(component.projections):
                at = self._first[c] + p
                self._array(f"L{at}", (component.places[i] for i in places))
                self._lines.append(f"static const Seen S{at} = {{{c}, {p}, {len(places)}, L{at}}};")

    def _table(self, place: int, names: tuple[str, ...]) -> int:
        if len(names) > _MOST_EVENTS:
            raise TooWide(f"{len(names)} properties for one step")
        if (place, names) not in self.tables:
            self.tables.append((place, names))
        return self.tables.index((place, names))

    # ---- groups
    def _functions(self, group: Group) -> None:
        writer, make = self._writer, self.partition.ground.graph.make
        writer.seeing(frozenset(place for view in group.views for place in view.places))
        for j, member in enumerate(group.members):
            writer.instance(f"m{group.number}_{j}", member.special.action, member.special.instance)
            for k, across in enumerate(member.across):
                op = "or" if across.prop.kind == SOMETIMES else "and"
                writer.predicate(f"x{group.number}_{j}_{k}", make(op, across.terms, Bool))
            self._array(f"W{group.number}_{j}", self._writes(member))
        for k, part in enumerate(group.parts):
            op = "or" if part.kind == SOMETIMES else "and"
            writer.predicate(f"p{group.number}_{k}", make(op, part.terms, Bool))

    def _writes(self, member: Member) -> list[int]:
        by: dict[int, list[int]] = {}
        for place in member.footprint.writes:
            by.setdefault(self.partition.component_of[place], []).append(place)
        found = [len(by)]
        for component, places in sorted(by.items()):
            at = self.partition.components[component].places
            found += [component, len(places), *(x for place in places for x in (place, at.index(place)))]
        return found

    def _group(self, group: Group) -> None:
        g, lines = group.number, self._lines
        views = ", ".join([*(f"&S{self._first[v.component] + v.projection}" for v in group.views), "0"])
        lines += [
            f"static const Seen *const V{g}[] = {{{views}}};",
            f"static int g{g}(Evaluator *e) {{",
            "    const State *s = &e->before, *t = &e->after;",
            "    u64 decided = 0, mask;",
            "    int r = STEP;",
            "    (void)s, (void)t, (void)mask;",
        ]
        for k, part in enumerate(group.parts):
            lines.append(f"    decided |= (u64)(p{g}_{k}(s, t) == {int(part.kind == SOMETIMES)}) << {k};")
        lines.append("    begin(e, decided);")
        for j, member in enumerate(group.members):
            self._member(g, j, member)
        table = self._table(-1, tuple(p.event for p in group.parts))
        lines += [f"    return r == STEP || r == DISABLED || r == CUT ? end(e, {table}, decided) : r;", "}"]

    def _member(self, g: int, j: int, member: Member) -> None:
        lines, place = self._lines, member.special.place
        loops, arguments = self._loops(member, frozenset(m.slot.place for m in member.special.messages))
        table = self._table(place, tuple(a.prop.name for a in member.across))
        checks = " | ".join(
            f"(u64)(x{g}_{j}_{k}(s, t) == {int(a.prop.kind == SOMETIMES)}) << {k}" for k, a in enumerate(member.across)
        )
        lines += [
            *(f"    {line}" for line in loops),
            "    {",
            "        e->used = 0;",
            f"        if ((r = m{g}_{j}(e{arguments})) == ASK) return ASK;",
            f"        if (r == CUT) cut(e, {place});",
            "        if (r == STEP) {",
            f"            mask = {checks or 0};",
            f"            if ((r = moved(e, {place}, {table}, mask, W{g}_{j})) != STEP) return r;",
            "        }",
            "    }",
            *("    }" for _ in loops),
        ]

    def _loops(self, member: Member, here: frozenset[int]) -> tuple[list[str], str]:
        """A loop over the messages of each source that is among the places; what to pass for messages."""
        loops, arguments = [], ""
        for i, message in enumerate(member.special.messages):
            if message.slot.place not in here:
                arguments += ", 0"
                continue
            content = f"s->c[{message.slot.place - self._slots}]"
            width = len(self._layout.traced.networks[message.slot.name].fields)
            tests = "".join(f" || m{i}[{place}] != {value}" for place, value in message.where)
            loops.append(
                f"for (u32 i{i} = 0; i{i} < {content}->n; i{i}++) {{ const i32 *m{i} = {content}->at + i{i} * {width}; "
                f"if (!first({content}, i{i}, {width}){tests}) continue;"
            )
            arguments += f", m{i}"
        return loops, arguments

    # ---- alive bits
    def _alive(self) -> None:
        users: dict[int, list[str]] = {}
        for group in self.partition.groups:
            for v, view in enumerate(group.views):
                test = self._alive_test(group, v, frozenset(view.places))
                at = self._first[view.component] + view.projection
                word, bit = divmod(group.number, 64)
                users.setdefault(at, []).append(f"    if ({test}) mask[{word}] |= 1ull << {bit};")
        for at in range(self._first[-1]):
            self._lines += [f"static void a{at}(const State *s, u64 *mask) {{", *users.get(at, ()), "}"]
        groups = ", ".join(f"{{{len(g.views)}, V{g.number}, g{g.number}}}" for g in self.partition.groups)
        alive = ", ".join(f"{{&S{at}, a{at}}}" for at in range(self._first[-1]))
        self._lines.append(f"static const GroupCode GROUPS[NGROUPS + 1] = {{{groups}}};")
        self._lines.append(f"static const AliveCode ALIVE[NPROJECTIONS + 1] = {{{alive}}};")

    def _alive_test(self, group: Group, v: int, here: frozenset[int]) -> str:
        """An expression: whether the group can do anything, as far as one view shows (`Evaluator.alive`)."""
        writer, make, tests = self._writer, self.partition.ground.graph.make, []
        writer.seeing(here)
        for k, part in enumerate(group.parts):
            writer.predicate(f"u{group.number}_{v}_{k}", undecided(self.partition, part, here))
            tests.append(f"u{group.number}_{v}_{k}(s, 0)")
        for j, member in enumerate(group.members):
            name = f"d{group.number}_{v}_{j}"
            loops, arguments = self._loops(member, here)
            guard = make("and", guards_within(self.partition, member.special, here), Bool)
            if not loops and guard.op == "const" and guard.args[0]:
                return "1"
            writer.predicate(name, guard, tuple(fields for _, _, fields in member.special.action.messages))
            self._lines += [
                f"static int {name}_any(const State *s) {{",
                *(f"    {line}" for line in loops),
                f"    if ({name}(s, 0{arguments})) return 1;",
                *("    }" for _ in loops),
                "    return 0;",
                "}",
            ]
            tests.append(f"{name}_any(s)")
        return " || ".join(tests) or "0"
