"""The search for liveness on what the compiled explorer has found: its states, and one more round that notes the steps between them.

The result is the same as that of `build.py`, array by array: states are numbered anew in the order in which a search that takes steps
in the order of the spec meets them, so that it depends neither on threads nor on the back end. Some states are looked at in the plain
reading as well.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.engines.compiled.backend import EDGES, NOWHERE, Moves, Numbers
from model.engines.compiled.search import Search
from model.engines.liveness.check import is_asked, judged, what_is_left, with_verdicts
from model.engines.liveness.explored import Explored, Label
from model.engines.liveness.graph import OUTSIDE, Flags, Ints
from model.engines.liveness.valuation import Valuation
from model.engines.source import Budget, Disagreement, Progress, Report, Stop
from model.engines.verdict import Verdict
from model.language import Property
from model.language.plain import Stepper

AUDITED = 64
"""So many states, evenly spread, are compared with the plain reading."""


def with_compiled_liveness(
    search: Search, verdict: Verdict, properties: tuple[Property, ...], *, budget: Budget, report: Report | None = None
) -> Verdict:
    """The verdict of a search that has just ended, with those on its `eventually` properties in their places.

    Like `check.with_liveness`; the search's tables must still be there.
    """
    if not is_asked(verdict, properties):
        return verdict
    started = search.clock()
    asked = tuple(p for p in properties if p.kind == "eventually")
    build = _Build(search, asked, what_is_left(budget, verdict), report)
    return with_verdicts(verdict, judged(asked, build.run), search.clock() - started)


def explored_by(search: Search, properties: tuple[Property, ...]) -> Explored:
    """States and steps of a search that is complete, for these `eventually` properties."""
    return _Build(search, properties, Budget(), None).run()


class _Build:
    def __init__(self, search: Search, properties: tuple[Property, ...], budget: Budget, report: Report | None) -> None:
        self.search, self.properties, self.budget, self.report = search, properties, budget, report
        self.ground, self.backend = search.ground, search.backend
        self._started = search.clock()
        self._index: Numbers = np.zeros(0, dtype=np.uint32)

    def run(self) -> Explored:
        """All of it; Stop if budget, memory or user end it before."""
        try:
            steps = self._steps()
            moves, cut, names = self._named(self.backend.moves(), steps[2])
            satisfied, triggered = self._judgements()
        except KeyboardInterrupt:
            raise Stop("interrupted") from None
        graph = _ordered(*_labelled(steps, moves, cut), len(names), len(satisfied[0]))
        needed = np.ones_like(satisfied[0])
        if all(p.after is None for p in self.properties):
            needed = ~np.logical_and.reduce(satisfied)
        found, number, depths = _numbered_anew(*graph, needed)
        initial = np.zeros(1, dtype=np.int32)
        explored = Explored(
            spec=self.ground.spec,
            bounds=self.ground.bounds,
            properties=self.properties,
            offsets=found[0],
            targets=found[1],
            labels=found[2],
            names=names,
            depths=depths,
            unsatisfied=tuple(~flags[number] for flags in satisfied),
            triggers=tuple(
                initial if flags is None else np.flatnonzero(flags[number]).astype(np.int32) for flags in triggered
            ),
        )
        self._audit(explored, number, needed)
        return explored

    # ---- steps
    def _steps(self) -> tuple[Any, Any, Any]:
        """Sources, targets and moves of all steps that change the state or are cut, in no particular order."""
        self._index = self.backend.index()
        found = []
        noted = 0
        for depth in range(len(self.search.levels)):
            self.search.round(depth, EDGES, self.search.steps)
            found.append(self.backend.edges())
            noted += len(found[-1])
            self._pause(noted, depth)
        columns = []
        for place in range(3):
            columns.append(np.concatenate([piece[:, place] for piece in found]))
        return columns[0], columns[1], columns[2]

    def _pause(self, noted: int, depth: int) -> None:
        distinct, seconds = self.backend.stats().distinct, self.search.clock() - self._started
        if self.report is not None:
            self.report(Progress(distinct, noted, depth + 1, 0, seconds))
        self.budget.check(seconds, 0, depth + 1)

    def _named(self, found: Moves, used: NDArray[np.uint32]) -> tuple[Ints, dict[int, list[int]], tuple[Label, ...]]:
        """Per number of a move its label, or the labels of the cut steps that it stands for; labels are in the order of the spec."""
        evaluator, groups = self.search.evaluator, self.search.partition.groups
        is_used = np.zeros(int(used.max(initial=0)) + 1, dtype=np.bool_)
        is_used[used] = True
        rows = found.moves[found.moves[:, 0] < len(is_used)]
        rows = rows[is_used[rows[:, 0]]]
        names: dict[Any, int] = {}
        labels: dict[Label, int] = {}
        single: list[tuple[int, int]] = []
        cuts: dict[int, list[int]] = {}
        before = -1
        taken: list[tuple[int, int]] = []
        cut: list[tuple[int, int]] = []
        for move, entry, number in rows[np.argsort(rows[:, 1], kind="stable")].tolist():
            if entry != before:
                before, taken, cut = entry, [], []
                key = found.keys[entry]
                for special, messages, beyond in evaluator.moves(groups[key[0]], self.search.values(key)):
                    name = names.get((special, messages))
                    if name is None:
                        label = (special.place, evaluator.plain(special, messages))
                        name = names[special, messages] = labels.setdefault(label, len(labels))
                    (cut if beyond else taken).append((special.place, name))
            if number >= 0:
                single.append((move, taken[number][1]))
            else:
                cuts[move] = [name for place, name in cut if place == -1 - number]
                cut = [
                    c for c in cut if c[0] != -1 - number
                ]  # an action whose cut steps take several words has them in the first
        order = sorted(labels, key=self._rank)
        rank = {labels[label]: place for place, label in enumerate(order)}
        of_move = np.full(len(is_used), -1, dtype=np.int32)
        for move, name in single:
            of_move[move] = rank[name]
        return of_move, {m: [rank[n] for n in many] for m, many in cuts.items()}, tuple(order)

    def _rank(self, label: Label) -> Any:
        """Where a step comes among those out of a state: by action, then by arguments in domain order."""
        place, args = label
        codec, parameters = self.ground.layout.codec, self.ground.spec.actions[place].parameters
        return place, [codec.flat(value, p.sort) for value, p in zip(args, parameters, strict=True)]

    # ---- properties
    def _judgements(self) -> tuple[list[Flags], list[Flags | None]]:
        """Per property which states satisfy it, and which trigger it (None: it has no trigger)."""
        traced, slotter = self.ground.traced.properties, self.search.partition.slotter
        terms = {p.property.name: t for p, t in zip(traced, self.ground.properties, strict=True)}
        valuation = Valuation(self.search)

        def column(prop: Property) -> Flags:
            term = slotter.term(terms[prop.name], {})
            found = np.empty(len(self._index), dtype=np.bool_)
            found[self._index] = np.concatenate([valuation.column(term, numbers) for numbers in self._numbers()])
            return found

        satisfied = [column(p) for p in self.properties]
        return satisfied, [None if p.after is None else column(p.after) for p in self.properties]

    def _numbers(self) -> Iterator[Numbers]:
        """The component numbers of all states, in the order of `Backend.dump`, a piece at a time."""
        for depth in range(len(self.search.levels)):
            yield from self.backend.dump(depth)

    # ---- the plain reading
    def _audit(self, explored: Explored, number: NDArray[np.int64], needed: Flags) -> None:
        """Of some states the steps, and what is satisfied there, must be the same in the plain reading."""
        stepper = Stepper(self.ground.spec, self.ground.bounds, coverage=False)
        audited = np.unique(np.linspace(0, explored.states - 1, AUDITED, dtype=np.int64))
        ends = [explored.targets[explored.offsets[s] : explored.offsets[s + 1]] for s in audited.tolist()]
        plain_of = self._plain(number[np.concatenate([audited, *(e[e != OUTSIDE] for e in ends)])])
        for state, targets in zip(audited.tolist(), ends, strict=True):
            plain = plain_of[int(number[state])]
            stepper.beyond = []
            after = {(place, args): new for place, args, new in stepper.successors(plain)}
            expected = [step for step, new in after.items() if new != plain] + stepper.beyond
            steps = range(int(explored.offsets[state]), int(explored.offsets[state + 1]))
            names = [explored.names[explored.labels[step]] for step in steps]
            same = not needed[number[state]] or names == expected
            for name, target in zip(names, targets.tolist(), strict=True):
                same = same and (target == OUTSIDE or after.get(name) == plain_of[int(number[target])])
            for prop, unsatisfied in zip(explored.properties, explored.unsatisfied, strict=True):
                same = same and stepper.holds(prop, plain) is not bool(unsatisfied[state])
            if not same:
                raise Disagreement(
                    f"{explored.spec.name}: other steps, or a property judged otherwise, in {plain!r}: "
                    "report this as a defect of Lockstep"
                )

    def _plain(self, wanted: NDArray[np.int64]) -> dict[int, tuple[Any, ...]]:
        """The plain reading's form of the states with these numbers in `Backend.index`."""
        is_wanted = np.zeros(len(self._index), dtype=np.bool_)
        is_wanted[wanted] = True
        found, at = {}, 0
        for numbers in self._numbers():
            here = self._index[at : at + len(numbers)]
            for row in np.flatnonzero(is_wanted[here]).tolist():
                found[int(here[row])] = self.search.plain(numbers[row].tolist())
            at += len(numbers)
        return found


def _labelled(
    steps: tuple[Any, Any, Any], of_move: Ints, cuts: dict[int, list[int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Sources, targets and labels; a note of cut steps is replaced by the steps that it stands for."""
    sources, targets, moves = steps
    inside = targets != NOWHERE
    found = [(sources[inside], targets[inside], of_move[moves[inside]])]
    sources, moves = sources[~inside], moves[~inside]
    for move in np.unique(moves).tolist():
        here = sources[moves == move]
        for label in cuts[move]:
            found.append((here, np.full(len(here), OUTSIDE), np.full(len(here), label)))
    columns = [np.concatenate([f[place].astype(np.int64) for f in found]) for place in range(3)]
    return columns[0], columns[1], columns[2]


Graph = tuple[NDArray[np.int64], Ints, Ints]
"""Offsets, targets and labels, as in `Explored`."""


def _ordered(
    sources: NDArray[np.int64], targets: NDArray[np.int64], labels: NDArray[np.int64], names: int, states: int
) -> Graph:
    """Steps by state, in the order of the spec, those that are cut last."""
    order = np.argsort((sources * 2 + (targets == OUTSIDE)) * names + labels)  # no two are equal
    offsets = np.zeros(states + 1, dtype=np.int64)
    np.cumsum(np.bincount(sources, minlength=states), out=offsets[1:])
    return offsets, targets[order].astype(np.int32), labels[order].astype(np.int32)


def _numbered_anew(
    offsets: NDArray[np.int64], targets: Ints, labels: Ints, needed: Flags
) -> tuple[Graph, NDArray[np.int64], Ints]:
    """The graph with states in the order of a breadth-first search that needs no steps out of some states; the old number and the
    depth of each."""

    def out_of(states: NDArray[np.int64]) -> NDArray[np.int64]:
        first, count = offsets[states], offsets[states + 1] - offsets[states]
        return np.repeat(first - (np.cumsum(count) - count), count) + np.arange(int(count.sum()), dtype=np.int64)

    new = np.full(len(needed), OUTSIDE, dtype=np.int32)
    new[0] = 0
    levels = [np.zeros(1, dtype=np.int64)]
    steps = []
    found = 1
    while len(frontier := levels[-1]):
        steps.append(out_of(frontier[needed[frontier]]))
        ends = targets[steps[-1]]
        ends = ends[ends != OUTSIDE]
        ends = ends[new[ends] == OUTSIDE]
        reached, first = np.unique(ends, return_index=True)
        reached = reached[np.argsort(first)].astype(np.int64)
        new[reached] = np.arange(found, found + len(reached), dtype=np.int32)
        found += len(reached)
        levels.append(reached)
    number = np.concatenate(levels)
    kept = np.concatenate(steps)
    counts = np.where(needed[number], offsets[number + 1] - offsets[number], 0)
    ends = targets[kept]
    ends = np.where(ends == OUTSIDE, np.int32(OUTSIDE), new[ends])
    depths = np.repeat(np.arange(len(levels), dtype=np.int32), [len(level) for level in levels])
    return (np.concatenate(([0], np.cumsum(counts))), ends, labels[kept]), number, depths
