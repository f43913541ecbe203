"""A traced spec under given bounds as something that runs: the interface of the plain reading, several times faster.

It shares nothing with the plain reading but the order of things, so that both finding the same states is evidence for the
tracer, the expansion and the spec's being what its author meant.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import product
from typing import Any

from attrs import frozen

from model.language.ground import Expander, GroundAction
from model.language.ground_code import CUT, Writer, compiled
from model.language.sorts import Bounds
from model.language.transition import TracedSpec
from model.language.words import Property

State = tuple[Any, ...]
Run = Callable[..., Any]


@frozen(eq=False)
class _Runnable:
    """An action ready to run. `messages` are (parameter, place of the network in the state, network, is a bag)."""

    place: int
    instances: tuple[tuple[tuple[Any, ...], Run], ...]
    messages: tuple[tuple[int, int, str, bool], ...]
    basic: tuple[tuple[Any, ...], ...]
    table: dict[tuple[Any, ...], Run]


class GroundSpec:
    """A spec under bounds on flat states (tuples of small integers and of tuples of messages).

    `actions` and `properties` are the ground terms, for engines that compile them themselves; `source` is the Python text
    that runs here. `cut[action]` counts the steps that would have left the bounds, and `beyond`, if it is a list, gets them (place
    and arguments); `blocked` stays empty (guards are counted by the plain reading).
    """

    def __init__(self, traced: TracedSpec, bounds: Bounds) -> None:
        self.traced, self.spec = traced, traced.spec
        self.bounds: Bounds = traced.spec.complete_bounds(bounds)
        expander = self.expander = Expander(traced, self.bounds)
        self.layout, self.graph = expander.layout, expander.graph
        self.actions = tuple(expander.action(a) for a in traced.actions)
        self.properties = tuple(expander.expand(p.term, {}) for p in traced.properties)
        self.cut = [0 for _ in self.actions]
        self.beyond: list[tuple[int, tuple[Any, ...]]] | None = None
        self.blocked: list[dict[tuple[str, int], int]] = [{} for _ in self.actions]
        self._initial = expander.initial()
        self._messages: dict[str, dict[Any, Any]] = {name: {} for name in traced.networks}

    # ---- Python functions, made when they are first needed: an engine that compiles the terms itself never needs them
    @cached_property
    def _lines(self) -> list[str]:
        writer = Writer(self.layout, self.bounds)
        for i, action in enumerate(self.actions):
            for j, instance in enumerate(action.instances):
                writer.instance(f"a{i}_{j}", action, instance)
        for i, term in enumerate(self.properties):
            writer.predicate(f"p{i}", term)
        return writer.lines

    @property
    def source(self) -> str:
        """The Python text that runs here."""
        return "\n".join(self._lines)

    @cached_property
    def _functions(self) -> dict[str, Any]:
        return compiled(self._lines, self.layout)

    @cached_property
    def _runnable(self) -> tuple[_Runnable, ...]:
        return tuple(self._prepare(i, a, self._functions) for i, a in enumerate(self.actions))

    @cached_property
    def _predicates(self) -> list[Run]:
        return [self._functions[f"p{i}"] for i in range(len(self.properties))]

    @cached_property
    def _by_name(self) -> dict[str, Run]:
        return {p.property.name: f for p, f in zip(self.traced.properties, self._predicates, strict=True)}

    def _prepare(self, place: int, action: GroundAction, functions: dict[str, Any]) -> _Runnable:
        instances = tuple((x.args, functions[f"a{place}_{j}"]) for j, x in enumerate(action.instances))
        networks = self.traced.networks
        messages = tuple((i, self.layout.networks[n], n, networks[n].is_bag) for i, n, _ in action.messages)
        parameters = action.action.parameters
        basic = tuple(
            (None,) if p.parameter.network is not None else self.expander.plain_values(p.parameter.sort)
            for p in parameters
        )
        return _Runnable(place, instances, messages, basic, dict(instances))

    # ---- states
    def initial(self) -> State:
        """The initial state."""
        return self._initial

    def to_plain(self, state: State) -> tuple[Any, ...]:
        """The plain reading's frozen form of a state."""
        return self.layout.plain(state)

    def plain(self, state: State) -> tuple[Any, ...]:
        """The same, under the name that engines use."""
        return self.layout.plain(state)

    def view(self, state: State) -> State:
        """What properties are evaluated on: the state itself."""
        return state

    # ---- steps
    def successors(self, state: State) -> Iterator[tuple[int, tuple[Any, ...], State]]:
        """Every enabled step: (place of the action in the spec, plain arguments, next state), in the plain reading's order."""
        for action in self._runnable:
            place = action.place
            if action.messages:
                yield from self._with_messages(action, state)
                continue
            for args, run in action.instances:
                new = run(state)
                if new:
                    yield place, args, new
                elif new is CUT:
                    self._note_cut(place, args)

    def _with_messages(self, action: _Runnable, state: State) -> Iterator[tuple[int, tuple[Any, ...], State]]:
        places = [i for i, _, _, _ in action.messages]
        domains = list(action.basic)
        for i, at, _, is_bag in action.messages:
            domains[i] = tuple(dict.fromkeys(state[at])) if is_bag else state[at]
        table = action.table
        for combination in product(*domains):
            fixed = list(combination)
            for i in places:
                fixed[i] = None
            run = table.get(tuple(fixed))
            if run is None:
                continue
            new = run(state, *[combination[i] for i in places])
            if new or new is CUT:
                args = list(combination)
                for i, _, network, _ in action.messages:
                    args[i] = self._message(network, combination[i])
                if new:
                    yield action.place, tuple(args), new
                else:
                    self._note_cut(action.place, tuple(args))

    def _note_cut(self, place: int, args: tuple[Any, ...]) -> None:
        self.cut[place] += 1
        if self.beyond is not None:
            self.beyond.append((place, args))

    def _message(self, network: str, message: Any) -> Any:
        known = self._messages[network].get(message)
        if known is None:
            record = self.traced.networks[network].record
            known = self._messages[network][message] = self.layout.codec.whole(message, record)
        return known

    def steps(self, state: State) -> Iterator[tuple[int, tuple[Any, ...], State, State]]:
        """Like `successors`, with the next state once more, as the view on which properties are evaluated."""
        for place, args, new in self.successors(state):
            yield place, args, new, new

    # ---- properties
    def check(self, place: int, state: State, after: State | None = None) -> bool:
        """Whether the property at this place of the spec holds of a state, or of a state and the next one."""
        return bool(self._predicates[place](state, after))

    def holds_in(self, prop: Property, view: State) -> bool:
        """Whether a property of one state is true of it."""
        return bool(self._by_name[prop.name](view))

    def holds_across(self, prop: Property, before: State, after: State) -> bool:
        """Whether a property of two states is true of them."""
        return bool(self._by_name[prop.name](before, after))


def ground(traced: TracedSpec, bounds: Bounds) -> GroundSpec:
    """Expand a traced spec over bounds (missing ones: the spec's defaults)."""
    return GroundSpec(traced, bounds)
