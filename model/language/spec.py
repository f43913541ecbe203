"""A spec: a state class, an initial state, an explicit list of actions, and what may be replaced in it."""

import difflib
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, get_type_hints

from attrs import evolve, field, frozen

from model.language.declare import STALE, State, bounds_of, network_of
from model.language.errors import BoundsError, SpecError
from model.language.sorts import Bounds, OptionOf, SortMeta, is_record
from model.language.words import Property, Rule


@frozen
class Parameter:
    """One parameter of an action: "for some element of `sort`", or "for some message in `network`"."""

    name: str
    sort: Any
    network: str | None


@frozen
class Action:
    """One action: its name, its function and its parameters, in order."""

    name: str
    function: Callable[..., Any] = field(eq=False)
    parameters: tuple[Parameter, ...]

    @property
    def doc(self) -> str:
        """The first sentence of the docstring."""
        return (self.function.__doc__ or "").strip().split("\n")[0]


@frozen
class Replacement:
    """A planted or historical bug: one rule or action, replaced by name, and others that go with it (`also`).

    `bounds` is a scope in which the engine `found_by` finds it quickly; `breaks` names the property that it breaks there: for `explore` in
    a state that can be reached, for `induct` by a step from some state in which all lemmas hold.
    """

    bug: str
    title: str
    name: str
    function: Callable[..., Any] = field(eq=False)
    breaks: str
    bounds: Mapping[str, int] = field(factory=dict)
    source: str = ""
    found_by: str = "explore"
    also: Mapping[str, Callable[..., Any]] = field(factory=dict, eq=False)


FAIRNESS: Mapping[str, tuple[bool, bool]] = {
    "weak": (False, False),
    "strong": (True, False),
    "weak per instance": (False, True),
    "strong per instance": (True, True),
}
"""The kinds of fairness of an action: (strong, each choice of its arguments by itself).

Weak: an action that stays enabled from some state on is taken again and again. Strong: so is one that is enabled again and again. As in
TLA+ (WF, SF), only a step that changes the state counts: where an action would change nothing, it is not enabled. Per instance: every
choice of arguments is an action of its own (every node's timer, every message), otherwise some of them must be taken.
"""


@frozen
class Spec:
    """A protocol's spec. `rules` lists every rule that its actions call, so that a replacement's name can be checked.

    `bounds` are the default bounds of `lockstep check`; `least` the smallest sensible value per bound; `fairness` says which
    actions are fair, and how (see FAIRNESS): the others may never happen.
    """

    name: str
    title: str
    state: type[State]
    init: Callable[[Any], None] = field(eq=False)
    actions: tuple[Action, ...]
    rules: Mapping[str, Rule] = field(eq=False)
    properties: tuple[Property, ...]
    bounds: Bounds
    bugs: Mapping[str, Replacement] = field(factory=dict, eq=False)
    overrides: Mapping[str, Callable[..., Any]] = field(factory=dict, eq=False)
    bug: str | None = None
    fairness: Mapping[str, str] = field(factory=dict)

    def __str__(self) -> str:
        return self.name if self.bug is None else f"{self.name} with bug {self.bug}"

    @property
    def least(self) -> dict[str, int]:
        """The bounds this spec needs and the least sensible value of each."""
        return bounds_of(self.state, (p.sort for a in self.actions for p in a.parameters if p.network is None))

    def with_properties(self, properties: Iterable[Property]) -> "Spec":
        """This spec with these properties to check."""
        return evolve(self, properties=tuple(properties))

    def with_fairness(self, fairness: Mapping[str, str]) -> "Spec":
        """This spec with these fair actions (action name -> a key of FAIRNESS)."""
        names = [a.name for a in self.actions]
        for action, kind in fairness.items():
            if action not in names:
                raise SpecError(unknown("action", action, names, f"in the fairness of {self.name}"), "name an action")
            if kind not in FAIRNESS:
                known = ", ".join(repr(k) for k in FAIRNESS)
                raise SpecError(f"action {action} of {self.name} has the fairness {kind!r}", f"one of {known}")
        return evolve(self, fairness=dict(fairness))

    def with_bug(self, bug: str) -> "Spec":
        """This spec with one of its bugs planted."""
        if bug not in self.bugs:
            raise LookupError(unknown("bug", bug, self.bugs, f"of spec {self.name}"))
        chosen = self.bugs[bug]
        spec = self.replace(chosen.name, chosen.function)
        for name, function in chosen.also.items():
            spec = spec.replace(name, function)
        return evolve(spec, bug=bug)

    def replace(self, name: str, function: Callable[..., Any]) -> "Spec":
        """This spec with one rule or one action replaced by name; the parameters must be the same."""
        if name in self.rules:
            given, wanted = inspect.signature(function), inspect.signature(self.rules[name].function)
            if len(given.parameters) != len(wanted.parameters):
                raise SpecError(
                    f"the replacement of rule {name} takes {len(given.parameters)} arguments",
                    f"it is called with {len(wanted.parameters)}: {', '.join(wanted.parameters)}",
                )
            return evolve(self, overrides={**self.overrides, name: function})
        for place, action in enumerate(self.actions):
            if action.name == name:
                new = make_action(self.state, function, name)
                if [p.sort for p in new.parameters] != [p.sort for p in action.parameters]:
                    raise SpecError(
                        f"the replacement of action {name} has other parameters", "keep their types and order"
                    )
                return evolve(self, actions=(*self.actions[:place], new, *self.actions[place + 1 :]))
        names = [*self.rules, *(a.name for a in self.actions)]
        raise SpecError(f"{self.name} has no rule or action {name!r}", f"one of {', '.join(names)}")

    def complete_bounds(self, given: Bounds) -> dict[str, int]:
        """The default bounds overlaid with the given ones, checked: unknown names and impossible values are a BoundsError."""
        least = self.least
        for name, value in given.items():
            if name not in least:
                raise BoundsError(unknown("bound", name, least, f"of spec {self.name}"))
            if value < least[name] or (name == STALE and value > 1):
                allowed = "0 or 1" if name == STALE else f"at least {least[name]}"
                raise BoundsError(f"bound {name}={value} is impossible for spec {self.name}: it must be {allowed}")
        missing = sorted(set(least) - set(self.bounds) - set(given))
        if missing:
            raise BoundsError(f"spec {self.name} has no default for the bounds {', '.join(missing)}: give --bounds")
        return {name: given.get(name, self.bounds.get(name, 0)) for name in sorted(least)}

    def digest(self) -> str:
        """A hash of the source text that gives this spec its meaning, helpers included (16 hex digits): for verdicts and traces."""
        functions = [self.init, *(a.function for a in self.actions), *(p.predicate for p in self.properties)]
        modules = {inspect.getmodule(f) for f in (*functions, *(r.function for r in self.rules.values()))}
        modules |= {sys.modules[self.state.__module__], *(inspect.getmodule(f) for f in self.overrides.values())}
        texts = sorted(inspect.getsource(m) for m in _with_helpers({m.__name__ for m in modules if m is not None}))
        return hashlib.sha256("\0".join([self.name, self.bug or "", *texts]).encode()).hexdigest()[:16]


def _with_helpers(names: set[str]) -> list[ModuleType]:
    """The modules of these names, and those of their packages that the functions and sorts they use come from.

    The language is left out: it gives every spec its meaning, and a change of it is not a change of the spec.
    """
    packages = {name.partition(".")[0] for name in names}
    found: dict[str, ModuleType] = {}
    queue = sorted(names)
    while queue:
        name = queue.pop()
        if name in found or name not in sys.modules:
            continue
        found[name] = sys.modules[name]
        used = {str(getattr(value, "__module__", "")) for value in vars(found[name]).values()}
        queue += sorted(n for n in used if n.partition(".")[0] in packages and not n.startswith("model.language"))
    return list(found.values())


def unknown(kind: str, name: str, known: Iterable[str], where: str) -> str:
    """One line for a name that does not exist, with the nearest one that does."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return f"unknown {kind} {name!r} {where}: {hint}"


def make_action(state: type[State], function: Callable[..., Any], name: str | None = None) -> Action:
    """Read an action's parameters from its annotations. The first parameter is the state."""
    hints = get_type_hints(function)
    where = f"{inspect.getsourcefile(function)}:{function.__code__.co_firstlineno}"
    parameters = []
    for parameter in list(inspect.signature(function).parameters)[1:]:
        sort = hints.get(parameter)
        if sort is None:
            raise SpecError(
                f"parameter {parameter} of {function.__name__} has no sort", f"write {parameter}: Node", where
            )
        if not isinstance(sort, SortMeta | OptionOf):
            raise SpecError(f"parameter {parameter} has type {sort!r}", "use a sort or a message class", where)
        parameters.append(Parameter(parameter, sort, network_of(state, sort) if is_record(sort) else None))
    if not (function.__doc__ or "").strip():
        raise SpecError(f"action {function.__name__} has no docstring", "say who does what, and when", where)
    return Action(name or function.__name__, function, tuple(parameters))


def make_spec(
    name: str,
    *,
    title: str,
    state: type[State],
    init: Callable[[Any], None],
    actions: Iterable[Callable[..., Any]],
    bounds: Bounds,
    rules: Iterable[Rule] = (),
    properties: Iterable[Property] = (),
    bugs: Iterable[Replacement] = (),
    fairness: Mapping[str, str] | None = None,
) -> Spec:
    """Put a spec together and check that it is whole: action names are unique, every bound has a default, every bug applies."""
    made = tuple(make_action(state, function) for function in actions)
    names = [a.name for a in made]
    for action_name in names:
        if names.count(action_name) > 1:
            raise SpecError(f"two actions of {name} are called {action_name}", "give each its own name")
    spec = Spec(
        name=name,
        title=title,
        state=state,
        init=init,
        actions=made,
        rules={r.name: r for r in rules},
        properties=tuple(properties),
        bounds=dict(bounds),
        bugs={b.bug: b for b in bugs},
    ).with_fairness(fairness or {})
    spec.complete_bounds({})
    for bug in spec.bugs.values():
        spec.with_bug(bug.bug)
        spec.complete_bounds(bug.bounds)
    return spec
