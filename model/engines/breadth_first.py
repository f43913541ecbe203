"""The loop of the searches that go state by state: breadth first, level by level, within a budget, with a way back from every state."""

from abc import ABC, abstractmethod
from typing import Any

from model.engines.source import Budget, Clock, Progress, Report, State, Stop
from model.engines.verdict import TraceStep
from model.language import Spec

_REPORT_EVERY = 512

Taken = tuple[int, tuple[Any, ...]]
"""A step: the place of its action in the spec, and its arguments."""


class BreadthFirst(ABC):
    """States are numbered in the order of discovery. `levels`: how many there are per depth; `generated`: how often one was arrived at.

    A search says what `begin` and `expand` do; both give states their numbers by `discover`.
    """

    def __init__(self, spec: Spec, budget: Budget, clock: Clock, report: Report | None) -> None:
        self.budget, self.clock, self.report = budget, clock, report
        self.index: dict[State, int] = {}
        self.states: list[State] = []
        self.levels: list[int] = []
        self.generated = 1
        self.started = clock()
        self._actions = spec.actions
        self._parents: list[int] = []
        self._taken: list[Taken | None] = []

    @abstractmethod
    def begin(self) -> None:
        """Discover the initial state."""

    @abstractmethod
    def expand(self, number: int) -> None:
        """Take every step out of a state."""

    def discover(self, state: State, parent: int = -1, step: Taken | None = None) -> int:
        """Number a new state, to which a step leads out of the parent."""
        number = self.index[state] = len(self.states)
        self.states.append(state)
        self._parents.append(parent)
        self._taken.append(step)
        return number

    def way_to(self, number: int, last: Taken | None = None) -> tuple[TraceStep, ...]:
        """The steps to a state, and one step further: a shortest way."""
        steps = [last] if last is not None else []
        while (step := self._taken[number]) is not None:
            steps.append(step)
            number = self._parents[number]
        return tuple(TraceStep(self._actions[place].name, args) for place, args in reversed(steps))

    def search(self) -> tuple[bool, str]:
        """Look at every state. Whether that was done, and if not, why: a Stop, a used-up budget or an interrupt (Ctrl-C)."""
        try:
            self.begin()
            first, last = 0, 1
            while first < last:
                self.levels.append(last - first)
                for number in range(first, last):
                    if number % _REPORT_EVERY == 0:
                        self._pause(number)
                    self.budget.check(0, len(self.states), len(self.levels))
                    self.expand(number)
                first, last = last, len(self.states)
        except Stop as stop:
            return False, str(stop)
        except KeyboardInterrupt:
            return False, f"interrupted at depth {len(self.levels)}"
        return True, ""

    def _pause(self, number: int) -> None:
        """Between two states: report, and look at the budget."""
        seconds, distinct, depth = self.clock() - self.started, len(self.states), len(self.levels)
        if self.report is not None:
            self.report(Progress(distinct, self.generated, depth, distinct - number, seconds))
        self.budget.check(seconds, distinct, depth)
