"""Python source for ground terms and ground actions: the executable form of a ground spec.

One function per instance of an action, from a flat state (and the messages it receives) to the next flat state, None if it
is not enabled, or CUT if the step would leave the bounds. Terms used more than once become locals.
"""

from typing import Any

from model.language.declare import BagDecl
from model.language.errors import SpecError
from model.language.graph import Term, children, postorder
from model.language.ground import Choice, GroundAction, GroundBlock, Instance, Write
from model.language.ground_terms import DEEPEST, Expressions, Names, Notation, span, values_of
from model.language.layout import Layout
from model.language.primitives import key_places, sent
from model.language.sorts import Bounds, Node, Ordinal
from model.language.transition import Effect, Forget, Receive, Send

CUT: tuple[Any, ...] = ()
"""What an instance returns for a step that would leave the bounds (a state is never empty)."""


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


class Writer:
    """Writes the functions of one ground spec in Python. For another language the methods at the end are different."""

    disabled = "None"
    """What a function gives for a step that is not enabled."""

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
            self._branch(self._value(block.fork, names, indent), indent)
            self._block(block.then, Names(dict(names.text), names.last), indent + "    ")
            self._end_of_branch(indent)
            self._block(block.otherwise, names, indent)
        elif not block.enabled:
            self._return(self.disabled, indent)
        else:
            self._outcome(block, names, indent)

    def _guard(self, term: Term, names: Names, indent: str) -> None:
        """A guard; the parts of a conjunction one after the other, so that the first false one ends it."""
        for part in term.args if term.op == "and" and term.id not in names.text else (term,):
            value = self._value(part, names, indent)
            self._return(self.disabled, indent, self.notation.unless.format(value))

    def _outcome(self, block: GroundBlock, names: Names, indent: str) -> None:
        if not self._begin_step(block, indent):
            return
        checks: list[str] = []
        for write in block.writes:
            if not self._write(write, names, indent, checks):
                return
        self.lines += checks
        for effect in block.effects:
            self._effect(effect, names, indent)
        self._end_step(indent)

    def _write(self, write: Write, names: Names, indent: str, checks: list[str]) -> bool:
        """One write; False if it cuts the step whatever the state. `checks` look at what was written when all is."""
        region = self.layout.regions[write.function]
        fixed = [i.args[0] if i.op == "const" else None for i in write.index]
        ranges = zip(fixed, region.firsts, region.sizes, strict=True)
        if any(v is not None and not first <= v < first + size for v, first, size in ranges) or 0 in region.sizes:
            if not region.function.is_cell:
                self._return("CUT", indent)
            return region.function.is_cell
        value = self._value(write.value, names, indent)
        for index in write.index:
            self._locals(index, names, indent)
        place, inside = self.expressions.place(region, write.index, names)
        both = self.notation.infix["and"]
        condition = both.join(inside)
        if inside and not region.function.is_cell:
            self._return("CUT", indent, self.notation.unless.format(f"({condition})"))
            condition = ""  # what is a cell is beyond the longest sequence: the length is cut
        new = self.new(place)
        self._store(new, value, condition, indent)
        if issubclass(region.function.result, Ordinal):
            low, high = span(write.value, self.layout)
            limit = values_of(region.function.result, self.layout)[1]
            guard = f"{condition}{both}" if condition else ""
            if low < 0:
                checks.append(self._below_zero(new, guard, write.where, write.function, indent))
            if high > limit:
                checks.append(self._returned("CUT", indent, f"{guard}{new} > {limit}"))
        return True

    def _effect(self, effect: Effect, names: Names, indent: str) -> None:
        if isinstance(effect, Forget):
            self._locals(effect.body, names, indent)
            loop, inner = self.expressions.loop(effect.bound, names)
            self._forget(effect, loop, self.expressions.text(effect.body, inner), indent)
            names.last = inner.last
            return
        for part in effect.fields:
            self._locals(part, names, indent)
        message = names.fresh("k")
        self._message(message, effect.fields, names, indent)
        if isinstance(effect, Receive):
            self._receive(effect, message, indent)
            return
        self._send(effect, message, indent)
        for place, (part, (name, sort)) in enumerate(
            zip(effect.fields, self.layout.traced.networks[effect.network].fields, strict=True)
        ):
            if not issubclass(sort, Ordinal):
                continue
            low, high = span(part, self.layout)
            limit = values_of(sort, self.layout)[1]
            new = f"{message}[{place}]"
            if low < 0:
                self.lines.append(self._below_zero(new, "", effect.where, f"{effect.network}.{name}", indent))
            if high > limit:
                self._return("CUT", indent, f"{new} > {limit}")

    def _return(self, outcome: str, indent: str, when: str = "") -> None:
        self.lines.append(self._returned(outcome, indent, when))

    # ---- as Python has it
    @property
    def notation(self) -> Notation:
        """How operations are written."""
        return self.expressions.notation

    def new(self, place: str) -> str:
        """What is at a place of the state that is made."""
        return f"n[{place}]"

    def _assign(self, name: str, text: str, indent: str) -> None:
        self.lines.append(f"{indent}{name} = {text}")

    def _returned(self, outcome: str, indent: str, when: str) -> str:
        """A statement that ends the function, if the condition is true."""
        return f"{indent}if {when}: return {outcome}" if when else f"{indent}return {outcome}"

    def _branch(self, condition: str, indent: str) -> None:
        self.lines.append(f"{indent}if {condition}:")

    def _end_of_branch(self, indent: str) -> None:
        """The end of a branch is where its indentation ends."""

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

    def _begin_step(self, block: GroundBlock, indent: str) -> bool:
        """Copy the state; False if that is all there is to do."""
        changes = bool(block.writes or block.effects)
        self.lines.append(f"{indent}n = [*s]" if changes else f"{indent}return s")
        return changes

    def _end_step(self, indent: str) -> None:
        self._return("tuple(n)", indent)

    def _store(self, new: str, value: str, condition: str, indent: str) -> None:
        self.lines.append(f"{indent}{f'if {condition}: ' if condition else ''}{new} = {value}")

    def _below_zero(self, new: str, guard: str, where: str, name: str, indent: str) -> str:
        """A statement for an ordinal that became negative."""
        return f"{indent}if {guard}{new} < 0: below_zero({where!r}, {name!r}, {new})"

    def _message(self, name: str, fields: tuple[Term, ...], names: Names, indent: str) -> None:
        self.lines.append(f"{indent}{name} = {self.expressions.message(fields, names)}")

    def _network(self, effect: Effect) -> str:
        return self.new(str(self.layout.networks[effect.network]))

    def _receive(self, effect: Receive, message: str, indent: str) -> None:
        slot = self._network(effect)
        self.lines.append(f"{indent}{slot} = received({slot}, {message})")

    def _send(self, effect: Send, message: str, indent: str) -> None:
        slot, network = self._network(effect), self.layout.traced.networks[effect.network]
        if isinstance(network.declaration, BagDecl):
            self._return("CUT", indent, f"len({slot}) >= {self.bounds[network.declaration.bound]}")
            self.lines.append(f"{indent}{slot} = tuple(sorted((*{slot}, {message})))")
        else:
            self.lines.append(f"{indent}{slot} = sent({slot}, {message}, {key_places(network, self.bounds)!r})")

    def _forget(self, effect: Forget, loop: str, body: str, indent: str) -> None:
        slot = self._network(effect)
        self.lines.append(f"{indent}if {slot}: {slot} = tuple({loop} for {loop} in {slot} if not {body})")


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
