"""The search: level by level, misses filled in between rounds, properties decided at the end of each level."""

import gc
from collections.abc import Callable
from typing import Any, NoReturn

from model.engines.compiled.backend import CHECK, EXPLORE, FIND, Backend, Entry, Found, Key, Stats
from model.engines.compiled.components import ALWAYS, SOMETIMES, Partition
from model.engines.compiled.evaluate import Evaluator, Move, Values
from model.engines.compiled.misses import ready, text_of
from model.engines.compiled.misses_code import MissesCode
from model.engines.compiled.several import ONE, Happened, Several, report_several
from model.engines.compiled.symmetry import Symmetry, check_symmetric
from model.engines.source import Budget, Clock, Disagreement, Progress, Record, Report, Stop, replayed
from model.engines.verdict import SpecTrace, TraceStep
from model.language.ground_spec import GroundSpec
from model.language.plain import Stepper

PIECE = 1 << 16
"""How many states a thread takes before Python looks at budgets and interrupts: some hundredths of a second."""


FATAL = ("always", "step")
"""Kinds of properties whose events are violations."""


class NotStuttering(Exception):
    """A condition on the state decides a property of two states: search again with an exact partition."""


class Search:
    """One search of one spec within bounds on one back end."""

    def __init__(
        self,
        ground: GroundSpec,
        partition: Partition,
        backend: Backend,
        *,
        budget: Budget,
        clock: Clock,
        report: Report | None,
        several: Several = ONE,
        symmetric: bool = False,
    ) -> None:
        self.several = several
        self.told: set[tuple[str, Any]] = set()
        self.ground, self.partition, self.backend = ground, partition, backend
        self.budget, self.clock, self.report = budget, clock, report
        self.started = clock()
        self.record = Record(ground, partition.properties)
        self.evaluator = Evaluator(partition)
        self.symmetry: Symmetry | None = None
        self.orbits: list[int] = []
        if symmetric:
            check_symmetric(ground, partition.properties)
            self.symmetry = Symmetry(partition, self.evaluator)
            backend.reduce(self.symmetry)
        self.levels: list[int] = []
        self.queue = 0
        self._code = text_of(partition) if backend.pays is not None else None
        self._events: dict[tuple[tuple[str, ...], int], int] = {((), -1): 0}
        self._by_projection = self._users()
        self._at = [{place: i for i, place in enumerate(c.places)} for c in partition.components]
        groups = partition.groups
        self._all = (1 << len(groups)) - 1
        self.steps = sum(1 << g.number for g in groups if g.members)
        if self._code is not None and ready(self._code):
            self._compile(self._code)
        self.always = sum(1 << g.number for g in groups if any(p.kind == ALWAYS for p in g.parts))

    def _users(self) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """Per (component, projection): the (group, view) pairs that look through it."""
        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for group in self.partition.groups:
            for v, view in enumerate(group.views):
                found.setdefault((view.component, view.projection), []).append((group.number, v))
        return found

    # ---- misses
    def alive(self, component: int, projection: int, row: list[int]) -> int:
        """The groups that can do something when they see this row (see `backend.Alive`)."""
        users = self._by_projection[component, projection]
        groups = self.partition.groups
        values = self.evaluator.decoded(groups[users[0][0]], users[0][1], row)
        return sum(1 << g for g, v in users if self.evaluator.alive(groups[g], v, values))

    def values(self, key: Key) -> Values:
        """What a combination stands for."""
        group = self.partition.groups[key[0]]
        return [
            self.evaluator.decoded(group, v, self.backend.seen(view.component, view.projection, value))
            for v, (view, value) in enumerate(zip(group.views, key[1:], strict=True))
        ]

    def fill(self) -> None:
        """Evaluate the combinations that were missing, by compiled code as soon as that pays."""
        if self._code is not None and self.evaluator.evaluated >= (self.backend.pays or 0):
            self._compile(self._code)
        self.backend.fill(self._entry, self._event)
        if self.several.most > 1:
            kinds = {p.name: p.kind for p in self.partition.properties}
            fatal = [n for (names, _), n in self._events.items() if any(kinds.get(x, "") in FATAL for x in names)]
            self.backend.fatal(fatal)

    def _compile(self, code: MissesCode) -> None:
        self.backend.compile(code, self.evaluator)
        self._code = None

    def _entry(self, key: Key) -> Entry:
        decided, moves = self.evaluator.evaluate(self.partition.groups[key[0]], self.values(key))
        return Entry([self._numbered(m) for m in moves], self._event(decided))

    def _event(self, names: tuple[str, ...], place: int = -1) -> int:
        """See `backend.NumberEvent`; where only one violation is looked for, the action does not matter."""
        key = (names, place if self.several.most > 1 else -1)
        return self._events.setdefault(key, len(self._events)) if names else 0

    def names_of(self) -> dict[int, tuple[str, ...]]:
        """The properties that an event decides."""
        return {number: names for (names, _), number in self._events.items()}

    def _numbered(self, move: Move) -> tuple[int, bool, int, list[int]]:
        place, cut, decided, patches = move
        numbers = []
        for component, pairs in patches:
            at = self._at[component]
            numbers.append(self.backend.patch(component, [(at[p], value) for p, value in pairs]))
        return place, cut, self._event(decided, place), numbers

    # ---- rounds
    def round(self, depth: int, mode: int, groups: int, target: tuple[int, ...] = ()) -> None:
        """One pass over the states of a level, until every one of them has been taken."""
        self.backend.level(depth, mode, groups, target)
        while True:
            while not self.backend.run(PIECE):
                if mode == EXPLORE:
                    self.pause()
            self.fill()
            if not self.backend.again(self.alive):
                return

    def pause(self) -> None:
        """Report, and look at the budget."""
        stats, seconds = self.backend.stats(), self.clock() - self.started
        if self.report is not None:
            queue = stats.distinct - sum(self.levels[:-1])
            memory, levels = stats.bytes + stats.tables, tuple(self.levels)
            self.report(Progress(stats.distinct, stats.steps + 1, len(levels), queue, seconds, memory, levels))
        self.budget.check(seconds, stats.distinct, len(self.levels))

    def begin(self) -> None:
        """Insert the initial state."""
        flat = self.partition.layout.split(self.ground.initial())
        numbers = []
        for number, component in enumerate(self.partition.components):
            row = [self.evaluator.encode(flat[place]) for place in component.places]
            numbers.append(self.backend.intern(number, row))
        self.backend.settle(self.alive)
        self.backend.add(numbers)
        self.queue = self._advance()

    def _advance(self) -> int:
        if self.symmetry is not None:
            known = self.backend.orbits()
            self.orbits = [] if known is None else [*self.orbits, known - sum(self.orbits)]
        return self.backend.advance()

    def run(self, between: Callable[[], None] = lambda: None) -> None:
        """Explore to the end of the frontier, or raise Stop; `between` is called between two levels."""
        if not self.levels:
            self.begin()
        collecting = gc.isenabled()
        gc.disable()  # what is kept has no cycles, and a collection looks at all of it
        try:
            self._levels(between)
        finally:
            if collecting:
                gc.enable()

    def _levels(self, between: Callable[[], None]) -> None:
        while self.queue:
            self.levels.append(self.queue)
            self.pause()
            self.round(len(self.levels) - 1, EXPLORE, self._wanted())
            self.queue = self._advance()
            self.settle_level()
            between()

    def _wanted(self) -> int:
        """All groups but those of `sometimes` properties that were reached."""
        wanted = self._all
        for group in self.partition.groups:
            if any(p.kind == SOMETIMES and p.prop.name in self.record.found for p in group.parts):
                wanted &= ~(1 << group.number)
        return wanted

    # ---- properties
    def settle_level(self) -> None:
        """Decide what the level's events mean. The shortest violations are reported, all of that length."""
        depth = len(self.levels) - 1
        events = self._happened()
        by_name = {p.name: p for p in self.partition.properties}
        for names, _, found in events:
            for prop in (by_name[n] for n in names if n in by_name):
                if prop.kind == SOMETIMES and prop in self.record.wanted:
                    self.record.reached(prop, self.trace_to(found, depth, prop.states))
        if any(n.startswith("stutter ") for names, _, _ in events for n in names):
            raise NotStuttering
        if self.several.most > 1:
            report_several(self, events, depth)
            return
        self._report_violations(events, depth, 1)
        if self._report_violations(events, depth, 2, stop=False):
            self.round(depth + 1, CHECK, self.always)
            self._report_violations(self._happened(), depth + 1, 1, stop=False)
            self._stop_at_violation()

    def _happened(self) -> list[Happened]:
        found = []
        for (names, place), number in self._events.items():
            event = self.backend.event(number) if number else None
            if event is not None:
                found.append((names, place, event))
        return found

    def _report_violations(self, events: list[Happened], depth: int, states: int, *, stop: bool = True) -> bool:
        """Note the violations of properties of so many states; whether there are any."""
        least: dict[str, Found] = {}
        for names, _, found in events:
            for name in names:
                if name not in least or found.state < least[name].state:
                    least[name] = found
        violated = False
        for prop in self.partition.properties:
            if prop.states == states and prop.kind != SOMETIMES and prop.name in least:
                self.record.violated(prop, self.trace_to(least[prop.name], depth, states))
                violated = True
        if violated and stop:
            self._stop_at_violation()
        return violated

    def _stop_at_violation(self) -> None:
        names = [p.name for p in self.record.properties if p.name in self.record.found and p.kind != SOMETIMES]
        self.stop(f"stopped at the violation of {', '.join(names)}")

    @staticmethod
    def stop(why: str) -> NoReturn:
        """End the search."""
        raise Stop(why)

    # ---- counterexamples
    def trace_to(self, found: Found, depth: int, states: int) -> SpecTrace:
        """A shortest path to a state of a level (and with its move one step further), replayed in the plain reading.

        No parents are stored: going backwards, each level is searched for the least state from which a step leads on.
        """
        steps = [self._taken(found)] if states == 2 else []
        state = found.state
        path = [state]
        for earlier in reversed(range(depth)):
            self.round(earlier, FIND, self.steps | self.always if self.several.most > 1 else self.steps, state)
            predecessor = self.backend.event(0)
            assert predecessor is not None, "a state has no predecessor in the level before"
            steps.append(self._taken(predecessor))
            state = predecessor.state
            path.append(state)
        taken = tuple(reversed(steps))
        if self.symmetry is not None:
            taken = self._concrete(self.symmetry, path[::-1], taken)
        return replayed(self.ground.spec, self.ground.bounds, taken)

    def _concrete(
        self, symmetry: Symmetry, path: list[tuple[int, ...]], steps: tuple[TraceStep, ...]
    ) -> tuple[TraceStep, ...]:
        """Steps of one run instead of steps out of representatives: each is renamed as the run has renamed the nodes so far."""
        stepper = Stepper(self.ground.spec, self.ground.bounds, coverage=False)
        places = {action.name: place for place, action in enumerate(self.ground.spec.actions)}
        now, found = stepper.initial(), []
        for state, step in zip(path, steps, strict=False):
            numbers = self.backend.numbers(state)
            by = next(
                (p for p in range(len(symmetry.permutations)) if self.plain(symmetry.image(p, numbers)) == now), None
            )
            if by is None:
                raise Disagreement(
                    f"{self.ground.spec.name}: no renaming of a representative is {now!r}: report this as a defect"
                )
            found.append(TraceStep(step.action, symmetry.arguments(places[step.action], step.args, by)))
            now = stepper.apply(now, step.action, found[-1].args)
        return tuple(found)

    def _taken(self, found: Found) -> TraceStep:
        group = self.partition.groups[found.key[0]]
        place, args = self.evaluator.arguments(group, self.values(found.key), found.move)
        return TraceStep(self.ground.spec.actions[place].name, args)

    def plain(self, numbers: list[int]) -> tuple[Any, ...]:
        """The plain reading's form of a state, given by the numbers of its components."""
        flat: list[Any] = [None] * self.partition.layout.width
        for component, number in enumerate(numbers):
            places = self.partition.components[component].places
            for place, value in zip(places, self.backend.row(component, number), strict=True):
                flat[place] = self.evaluator.decode(place, value)
        return self.ground.plain(self.partition.layout.join(flat))

    def summary(self) -> dict[str, Any]:
        """The counts of a verdict."""
        stats: Stats = self.backend.stats()
        self.record.fired = list(stats.generated)
        actions, n = self.ground.spec.actions, stats.distinct
        return {
            "distinct": n,
            # Pairs of states, each with one chance in 2^64; states of one word are compared whole.
            "odds": n * (n - 1) / 2 / 2**64 if self.backend.fingerprints and stats.words > 1 else 0.0,
            "generated": stats.steps + 1 if stats.distinct else 0,
            "depth": len(self.levels),
            "levels": tuple(self.levels),
            "orbits": tuple(self.orbits[: len(self.levels)]) if len(self.orbits) > len(self.levels) - 1 else (),
            "deadlocks": stats.deadlocks,
            "out_degrees": {steps: states for steps, states in enumerate(self.backend.degrees()) if states},
            "cut": {a.name: n for a, n in zip(actions, stats.cut, strict=True)},
        }
