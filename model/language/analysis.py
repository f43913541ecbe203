"""What can be read off a traced spec without running it: footprints, the ghost check, lint.

Names of functions, networks and message fields that begin with `ghost_` are history, for properties and proofs only.
"""

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from model.language.errors import SpecError
from model.language.graph import MESSAGE_BINDERS, Term, postorder, show
from model.language.sorts import Abstract, Quorum
from model.language.transition import Forget, Receive, Send, TracedAction, TracedSpec, Transition, Witness

MANY_COMPONENTS = 4
"""An action that touches more components of the state than this makes memoising engines slow."""


@frozen
class Access:
    """A function or network, and at which arguments: parameter names, `*` for a quantified argument, else the term's text."""

    name: str
    index: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}[{', '.join(self.index)}]" if self.index else self.name


@frozen
class Footprint:
    """What an action or property reads and writes, sorted. Networks: `reads` looks into them, `writes` changes them."""

    reads: tuple[Access, ...]
    writes: tuple[Access, ...]

    @property
    def functions_read(self) -> tuple[str, ...]:
        """Names of what is read, without arguments."""
        return tuple(dict.fromkeys(a.name for a in self.reads))

    @property
    def functions_written(self) -> tuple[str, ...]:
        """Names of what is written, without arguments."""
        return tuple(dict.fromkeys(a.name for a in self.writes))


def is_ghost(name: str) -> bool:
    """Whether a function, a network, or a field of a message is history."""
    return any(part.startswith("ghost_") for part in name.removesuffix("'").split("."))


def _index(terms: Iterable[Term]) -> tuple[str, ...]:
    return tuple("*" if t.op == "var" and t.args[1] == "bound" else show(t) for t in terms)


def accesses(term: Term) -> Iterator[Access]:
    """Every read in a term. Membership of a message and quantifying over messages read the network."""
    for t in postorder(term):
        if t.op == "app":
            yield Access(t.args[0], _index(t.args[1:]))
        elif t.op == "contains" or t.op in MESSAGE_BINDERS:
            yield Access(t.args[0], ())


def _read_terms(transition: Transition) -> Iterator[Term]:
    for condition in transition.conditions:
        yield condition.body if isinstance(condition, Witness) else condition.term
    for updates in transition.updates.values():
        for update in updates:
            yield update.value
            yield from update.index
    for effect in transition.effects:
        yield from (effect.body,) if isinstance(effect, Forget) else effect.fields


def _sorted(found: Iterable[Access]) -> tuple[Access, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda a: (a.name, a.index)))


def action_footprint(action: TracedAction) -> Footprint:
    """Reads and writes of an action over all its paths; a message parameter reads its network."""
    reads = [Access(p.parameter.network, ()) for p in action.parameters if p.parameter.network is not None]
    writes: list[Access] = []
    for transition in action.transitions:
        for term in _read_terms(transition):
            reads.extend(accesses(term))
        for name, updates in transition.updates.items():
            writes.extend(Access(name, _index(u.index)) for u in updates)
        writes.extend(Access(e.network, ()) for e in transition.effects)
    return Footprint(_sorted(reads), _sorted(writes))


def property_footprint(term: Term) -> Footprint:
    """Reads of a property."""
    return Footprint(_sorted(accesses(term)), ())


def footprints(traced: TracedSpec) -> Mapping[str, Footprint]:
    """The footprint of every action and property, by name."""
    found = {a.name: action_footprint(a) for a in traced.actions}
    found.update((p.property.name, property_footprint(p.term)) for p in traced.properties)
    return found


def components(traced: TracedSpec, action: TracedAction) -> tuple[str, ...]:
    """The components of the state that an action touches: one per node (whatever of its state), network, or other variable."""
    footprint = action_footprint(action)
    found = []
    for access in (*footprint.reads, *footprint.writes):
        name = access.name.removesuffix("'")
        function = traced.functions.get(name)
        if function is not None and function.args and issubclass(function.args[0], Abstract) and not is_ghost(name):
            found.append(f"{function.args[0]!r} {access.index[0]}")
        else:
            found.append(name if function is None else function.variable)
    return tuple(sorted(dict.fromkeys(found)))


# ---- ghosts
def ghost_check(traced: TracedSpec) -> None:
    """Noninterference: no guard, no fork, no witness and no update of protocol state reads history. SpecError otherwise."""
    for action in traced.actions:
        for transition in action.transitions:
            for condition in transition.conditions:
                term = condition.body if isinstance(condition, Witness) else condition.term
                _refuse_ghost(term, condition.where, f"a guard of action {action.name}")
            for name, updates in transition.updates.items():
                if not is_ghost(name):
                    for update in updates:
                        for term in (update.value, *update.index):
                            _refuse_ghost(term, update.where, f"the update of {name} in action {action.name}")
            for effect in transition.effects:
                if not is_ghost(effect.network):
                    _ghost_effect(traced, action, effect)


def _ghost_effect(traced: TracedSpec, action: TracedAction, effect: Send | Receive | Forget) -> None:
    what = f"a message of {effect.network} in action {action.name}"
    if isinstance(effect, Forget):
        _refuse_ghost(effect.body, effect.where, what)
        return
    for (name, _), term in zip(traced.networks[effect.network].fields, effect.fields, strict=True):
        if not is_ghost(name):
            _refuse_ghost(term, effect.where, what)


def _refuse_ghost(term: Term, where: str, what: str) -> None:
    for t in postorder(term):
        ghost_read = t.op == "app" or t.op == "contains" or t.op in MESSAGE_BINDERS
        if (ghost_read or (t.op == "var" and t.args[1] == "param")) and is_ghost(t.args[0]):
            raise SpecError(
                f"{what} reads the history {t.args[0]}",
                "ghost_ state is for properties; an update of ghost_ state may choose with ite",
                where,
            )


# ---- symmetry and lint
def symmetry_breaking(traced: TracedSpec) -> tuple[Term, ...]:
    """Terms that name an element of an abstract sort. The language has no literals of such sorts, so there should be none."""
    return tuple(
        t
        for t in traced.graph.terms
        if t.op == "const" and t.args[0] is not None and issubclass(t.sort, Abstract | Quorum)
    )


@frozen
class Finding:
    """Something that is legal but probably not meant, or costly."""

    where: str
    text: str


def lint(traced: TracedSpec) -> tuple[Finding, ...]:
    """Identity comparisons in the spec's modules (`is NONE` is never true of a symbolic value), and actions that touch much."""
    found = list(_identity_comparisons(traced))
    for action in traced.actions:
        touched = components(traced, action)
        if len(touched) > MANY_COMPONENTS:
            code = action.action.function.__code__
            text = f"action {action.name} touches {len(touched)} components of the state: {', '.join(touched)}"
            found.append(Finding(f"{code.co_filename}:{code.co_firstlineno}", text))
    return tuple(found)


def _identity_comparisons(traced: TracedSpec) -> Iterator[Finding]:
    spec = traced.spec
    functions: list[Any] = [spec.init, *(a.function for a in spec.actions), *(p.predicate for p in spec.properties)]
    functions += [*(r.function for r in spec.rules.values()), *spec.overrides.values()]
    files = sorted(dict.fromkeys(inspect.getsourcefile(f) or "" for f in functions))
    modules = {inspect.getsourcefile(f): inspect.getmodule(f) for f in functions}
    for file in files:
        module = modules.get(file)
        if module is None:
            continue
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
                yield Finding(f"{file}:{node.lineno}", "`is` compares objects, not values: write == or !=")
