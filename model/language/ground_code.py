"""Python source for ground terms and ground actions: the executable form of a ground spec.

One function per instance of an action, from a flat state (and the messages it receives) to the next flat state, None if it
is not enabled, or CUT if the step would leave the bounds. Terms used more than once become locals.
"""

from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, field

from model.language.declare import BagDecl
from model.language.errors import SpecError
from model.language.graph import Number, Term, bound_of, children, postorder
from model.language.ground import Choice, GroundAction, GroundBlock, Instance, Write
from model.language.layout import UNSET, Layout, Region
from model.language.primitives import key_places, sent
from model.language.sorts import Abstract, Bounds, Node, Ordinal, Quorum, default
from model.language.transition import Effect, Forget, Receive, Send

CUT: tuple[Any, ...] = ()
"""What an instance returns for a step that would leave the bounds (a state is never empty)."""

UNLIMITED = 1 << 30
DEEPEST = 40
"""An expression that is nested more deeply is cut into locals: Python's parser and our recursion have limits."""


def two_candidates(where: str, sort: str, found: int) -> None:
    """`the` was not unique."""
    raise SpecError(f"the({sort}, ...) has {found} candidates", "make the condition unique", where)


def below_zero(where: str, function: str, value: int) -> None:
    """An ordinal became negative."""
    raise SpecError(f"a step makes {function} {value}", "guard the subtraction", where)


def received(messages: tuple[Any, ...], message: tuple[int, ...]) -> tuple[Any, ...]:
    """A bag without one copy of a message."""
    at = messages.index(message)
    return messages[:at] + messages[at + 1 :]


def values_of(sort: Any, layout: Layout) -> tuple[int, int]:
    """The least and the greatest ground value of a sort within the bounds."""
    if sort is Number:
        return 0, UNLIMITED
    unset = UNSET if issubclass(sort, Abstract | Quorum) else 0
    return unset, len(layout.codec.domain(sort)) - 1


def span(term: Term, layout: Layout, deepest: int = DEEPEST) -> tuple[int, int]:
    """An interval that contains every value of a ground term; a wide one for terms that are nested very deeply."""
    if term.op == "const":
        return int(term.args[0]), int(term.args[0])
    if term.op in ("add", "sub", "ite") and deepest == 0:
        return -UNLIMITED, UNLIMITED
    if term.op in ("add", "sub"):
        (a, b), (c, d) = (span(arg, layout, deepest - 1) for arg in term.args)
        return (a + c, b + d) if term.op == "add" else (a - d, b - c)
    if term.op == "ite":
        (a, b), (c, d) = (span(arg, layout, deepest - 1) for arg in term.args[1:])
        return min(a, c), max(b, d)
    return (0, len(term.args)) if term.op == "sum" else values_of(term.sort, layout)


@define
class Names:
    """What terms are called in the text: locals, loop variables, fields of messages."""

    text: dict[int, str] = field(factory=dict)
    last: int = 0

    def fresh(self, letter: str) -> str:
        """A name that is not in use."""
        self.last += 1
        return f"{letter}{self.last}"


class Expressions:
    """Terms as Python expressions."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def text(self, term: Term, names: Names) -> str:
        """One expression; `names` says what is a local already."""
        known = names.text.get(term.id)
        if known is not None:
            return known
        return _FORMS.get(term.op, Expressions._infix)(self, term, names)

    def _infix(self, term: Term, names: Names) -> str:
        operator = _OPERATORS[term.op]
        return "(" + operator.join(self.text(a, names) for a in term.args) + ")"

    def _const(self, term: Term, names: Names) -> str:
        return repr(term.args[0])

    def _leaf(self, term: Term, names: Names) -> str:
        return f"{'t' if term.args[1] else 's'}[{term.args[0]}]"

    def _not(self, term: Term, names: Names) -> str:
        return f"(not {self.text(term.args[0], names)})"

    def _implies(self, term: Term, names: Names) -> str:
        a, b = term.args
        return f"(not {self.text(a, names)} or {self.text(b, names)})"

    def _ite(self, term: Term, names: Names) -> str:
        condition, then, otherwise = (self.text(a, names) for a in term.args)
        return f"({then} if {condition} else {otherwise})"

    def _member(self, term: Term, names: Names) -> str:
        node, quorum = (self.text(a, names) for a in term.args)
        return f"({quorum} >= 0 and {node} in QUORUMS[{quorum}])"

    def message(self, fields: Iterable[Term], names: Names) -> str:
        """A message as a tuple of its components."""
        return "(" + "".join(f"{self.text(f, names)}, " for f in fields) + ")"

    def _contains(self, term: Term, names: Names) -> str:
        return f"({self.message(term.args[1:], names)} in {self._network(term.args[0])})"

    def _network(self, name: str) -> str:
        return f"{'t' if name.endswith(chr(39)) else 's'}[{self.layout.networks[name.removesuffix(chr(39))]}]"

    def _messages(self, term: Term, names: Names) -> str:
        loop, inner = self.loop(bound_of(term), names)
        word = "all" if term.op == "forall_in" else "any"
        return f"{word}({self.text(term.args[-1], inner)} for {loop} in {self._network(term.args[0])})"

    def loop(self, variables: tuple[Term, ...], names: Names) -> tuple[str, Names]:
        """A loop variable for a message, and the names in the loop's body."""
        variable = names.fresh("x")
        inner = Names({**names.text, **{v.id: f"{variable}[{i}]" for i, v in enumerate(variables)}}, names.last)
        return variable, inner

    def _select(self, term: Term, names: Names) -> str:
        region = self.layout.regions[term.args[0].removesuffix("'")]
        state = "t" if term.args[0].endswith("'") else "s"
        place, inside = self.place(region, term.args[1:], names)
        if not inside:
            return f"{state}[{place}]"
        result = region.function.result
        low = self.layout.codec.encode(default(result), result)
        return f"({state}[{place}] if {' and '.join(inside)} else {low!r})"

    def place(self, region: Region, index: tuple[Term, ...], names: Names) -> tuple[str, list[str]]:
        """The leaf's place as an expression, and what must hold for the index to be within the domain."""
        fixed, parts, inside = region.base, [], []
        for term, first, size, stride in zip(index, region.firsts, region.sizes, region.strides, strict=True):
            fixed -= first * stride
            if term.op == "const":
                fixed += term.args[0] * stride
            else:
                text = self.text(term, names)
                parts.append(text if stride == 1 else f"{text} * {stride}")
            low, high = span(term, self.layout)
            if low < first or high >= first + size:
                inside.append(f"{first} <= {self.text(term, names)} < {first + size}")
        return " + ".join([*parts, *([str(fixed)] if fixed or not parts else [])]).replace("+ -", "- "), inside


_FORMS: dict[str, Callable[[Expressions, Term, Names], str]] = {
    "const": Expressions._const,
    "leaf": Expressions._leaf,
    "not": Expressions._not,
    "implies": Expressions._implies,
    "ite": Expressions._ite,
    "member": Expressions._member,
    "contains": Expressions._contains,
    "forall_in": Expressions._messages,
    "exists_in": Expressions._messages,
    "select": Expressions._select,
}
_OPERATORS = {
    "add": " + ",
    "sub": " - ",
    "sum": " + ",
    "eq": " == ",
    "lt": " < ",
    "le": " <= ",
    "and": " and ",
    "or": " or ",
}


class Writer:
    """Writes the functions of one ground spec."""

    def __init__(self, layout: Layout, bounds: Bounds) -> None:
        self.layout, self.bounds = layout, bounds
        self.expressions = Expressions(layout)
        self.lines: list[str] = []
        self._uses: dict[int, int] = {}

    # ---- functions
    def instance(self, name: str, action: GroundAction, instance: Instance) -> None:
        """One instance of an action."""
        messages = [f"m{i}" for i in range(len(action.messages))]
        self.lines.append(f"def {name}({', '.join(['s', *messages])}):")
        names = Names()
        for variable, (_, _, fields) in zip(messages, action.messages, strict=True):
            names.text.update((f.id, f"{variable}[{i}]") for i, f in enumerate(fields))
        self._uses = {}
        self._count_block(instance.tree)
        self._block(instance.tree, names, "    ")

    def predicate(self, name: str, term: Term) -> None:
        """A property: of a state, or of a state and the next one."""
        self.lines.append(f"def {name}(s, t=None):")
        self._uses = {}
        self._count(term)
        names = Names()
        self._locals(term, names, "    ")
        self.lines.append(f"    return {self.expressions.text(term, names)}")

    # ---- what is used more than once
    def _count(self, root: Term, times: int = 1) -> None:
        todo = [(root, times)]
        while todo:
            term, more = todo.pop()
            seen = self._uses.get(term.id, 0)
            self._uses[term.id] = seen + more
            if seen == 0:
                # An index that has to be checked is written twice.
                todo.extend((child, 2 if term.op == "select" else 1) for child in children(term))

    def _count_block(self, block: GroundBlock) -> None:
        for condition in block.conditions:
            for term in condition.options if isinstance(condition, Choice) else (condition,):
                self._count(term)
        for write in block.writes:
            self._count(write.value)
            for index in write.index:
                self._count(index, 2)
        for effect in block.effects:
            for term in (effect.body,) if isinstance(effect, Forget) else effect.fields:
                self._count(term, 1 if isinstance(effect, Forget) else 2)
        if block.fork is not None and block.then is not None and block.otherwise is not None:
            self._count(block.fork)
            self._count_block(block.then)
            self._count_block(block.otherwise)

    def _locals(self, root: Term, names: Names, indent: str) -> None:
        """Assign what is used more than once below `root` and does not depend on a loop variable."""
        if root.op in ("const", "leaf", "var"):
            return
        depth: dict[int, int] = {}
        for term in postorder(root, lambda t: t.id not in names.text):
            if term.id in names.text or term.op in ("const", "leaf", "var"):
                continue
            depth[term.id] = 1 + max((depth.get(child.id, 0) for child in children(term)), default=0)
            if self._uses[term.id] < 2 and depth[term.id] < DEEPEST:
                continue
            if all(variable in names.text for variable in sorted(term.free)):
                text = self.expressions.text(term, names)
                name = names.text[term.id] = names.fresh("v")
                self._assign(name, text, indent)
                depth[term.id] = 0

    def _assign(self, name: str, text: str, indent: str) -> None:
        self.lines.append(f"{indent}{name} = {text}")

    def _value(self, term: Term, names: Names, indent: str) -> str:
        self._locals(term, names, indent)
        return self.expressions.text(term, names)

    # ---- blocks
    def _block(self, block: GroundBlock, names: Names, indent: str) -> None:
        for condition in block.conditions:
            if isinstance(condition, Choice):
                self._choice(condition, names, indent)
            else:
                self._guard(condition, names, indent)
        if block.fork is not None and block.then is not None and block.otherwise is not None:
            self.lines.append(f"{indent}if {self._value(block.fork, names, indent)}:")
            self._block(block.then, Names(dict(names.text), names.last), indent + "    ")
            self._block(block.otherwise, names, indent)
        elif not block.enabled:
            self.lines.append(f"{indent}return None")
        elif not block.writes and not block.effects:
            self.lines.append(f"{indent}return s")
        else:
            self._outcome(block, names, indent)

    def _guard(self, term: Term, names: Names, indent: str) -> None:
        """A guard; the parts of a conjunction one after the other, so that the first false one ends it."""
        for part in term.args if term.op == "and" and term.id not in names.text else (term,):
            self.lines.append(f"{indent}if not {self._value(part, names, indent)}: return None")

    def _choice(self, choice: Choice, names: Names, indent: str) -> None:
        options = ", ".join(self._value(option, names, indent) for option in choice.options)
        found, chosen = names.fresh("c"), names.fresh("w")
        self.lines.append(f"{indent}{found} = ({options},)")
        if choice.kind == "quorum":
            self.lines.append(f"{indent}{chosen} = MAJORITIES.get({found})")
            self.lines.append(f"{indent}if {chosen} is None: return None")
        else:
            sort = repr(choice.var.sort)
            self.lines += [
                f"{indent}if {found}.count(True) != 1:",
                f"{indent}    if not any({found}): return None",
                f"{indent}    two_candidates({choice.where!r}, {sort!r}, {found}.count(True))",
                f"{indent}{chosen} = {found}.index(True)",
            ]
        names.text[choice.var.id] = chosen

    def _outcome(self, block: GroundBlock, names: Names, indent: str) -> None:
        self.lines.append(f"{indent}n = [*s]")
        checks: list[str] = []
        for write in block.writes:
            if not self._write(write, names, indent, checks):
                return
        self.lines += checks
        for place, effect in enumerate(block.effects):
            later = any(e.network == effect.network for e in block.effects[place + 1 :])
            self._effect(effect, names, indent, later=later)
        self.lines.append(f"{indent}return tuple(n)")

    def _write(self, write: Write, names: Names, indent: str, checks: list[str]) -> bool:
        """One write; False if it cuts the step whatever the state."""
        region = self.layout.regions[write.function]
        fixed = [i.args[0] if i.op == "const" else None for i in write.index]
        ranges = zip(fixed, region.firsts, region.sizes, strict=True)
        if any(v is not None and not first <= v < first + size for v, first, size in ranges) or 0 in region.sizes:
            if not region.function.is_cell:
                self.lines.append(f"{indent}return CUT")
            return region.function.is_cell
        value = self._value(write.value, names, indent)
        for index in write.index:
            self._locals(index, names, indent)
        place, inside = self.expressions.place(region, write.index, names)
        condition = " and ".join(inside)
        prefix = ""
        if inside and region.function.is_cell:
            prefix = f"if {condition}: "  # beyond the longest sequence: the length is cut
        elif inside:
            self.lines.append(f"{indent}if not ({condition}): return CUT")
        self.lines.append(f"{indent}{prefix}n[{place}] = {value}")
        if issubclass(region.function.result, Ordinal):
            low, high = span(write.value, self.layout)
            limit = values_of(region.function.result, self.layout)[1]
            guard = f"{condition} and " if prefix else ""
            if low < 0:
                failure = f"below_zero({write.where!r}, {write.function!r}, n[{place}])"
                checks.append(f"{indent}if {guard}n[{place}] < 0: {failure}")
            if high > limit:
                checks.append(f"{indent}if {guard}n[{place}] > {limit}: return CUT")
        return True

    def _effect(self, effect: Effect, names: Names, indent: str, *, later: bool) -> None:
        at = self.layout.networks[effect.network]
        network = self.layout.traced.networks[effect.network]
        if isinstance(effect, Forget):
            self._locals(effect.body, names, indent)
            loop, inner = self.expressions.loop(effect.bound, names)
            body = self.expressions.text(effect.body, inner)
            self.lines.append(f"{indent}if n[{at}]: n[{at}] = tuple({loop} for {loop} in n[{at}] if not {body})")
            return
        for part in effect.fields:
            self._locals(part, names, indent)
        message = names.fresh("k")
        self.lines.append(f"{indent}{message} = {self.expressions.message(effect.fields, names)}")
        if isinstance(effect, Receive):
            self.lines.append(f"{indent}n[{at}] = received(n[{at}], {message})")
            return
        if isinstance(network.declaration, BagDecl):
            capacity = self.bounds[network.declaration.bound]
            self.lines.append(f"{indent}if len(n[{at}]) >= {capacity}: return CUT")
            self.lines.append(f"{indent}n[{at}] = tuple(sorted((*n[{at}], {message})))")
        else:
            key = key_places(network, self.bounds)
            self.lines.append(f"{indent}n[{at}] = sent(n[{at}], {message}, {key!r})")
        self._check_message(effect, message, indent)

    def _check_message(self, effect: Send, message: str, indent: str) -> None:
        for place, (part, (name, sort)) in enumerate(
            zip(effect.fields, self.layout.traced.networks[effect.network].fields, strict=True)
        ):
            if not issubclass(sort, Ordinal):
                continue
            low, high = span(part, self.layout)
            limit = values_of(sort, self.layout)[1]
            if low < 0:
                failure = f"below_zero({effect.where!r}, {f'{effect.network}.{name}'!r}, {message}[{place}])"
                self.lines.append(f"{indent}if {message}[{place}] < 0: {failure}")
            if high > limit:
                self.lines.append(f"{indent}if {message}[{place}] > {limit}: return CUT")


def compiled(lines: list[str], layout: Layout) -> dict[str, Any]:
    """The functions of this source text, by name."""
    nodes = range(len(layout.codec.domain(Node))) if layout.codec.quorums else range(0)
    quorums = layout.codec.quorums
    namespace: dict[str, Any] = {
        "CUT": CUT,
        "QUORUMS": quorums,
        "MAJORITIES": {tuple(n in q for n in nodes): i for i, q in enumerate(quorums)},
        "two_candidates": two_candidates,
        "below_zero": below_zero,
        "sent": sent,
        "received": received,
    }
    code = compile("\n".join(lines), "<ground spec>", "exec")
    exec(code, namespace)  # noqa: S102 - the text is generated above from a spec that is Python code itself
    return namespace
