"""Armed timers and the virtual clock, in integer microseconds."""

import heapq
from collections.abc import Callable

from attrs import frozen

from impl.effects import SetTimer

Span = Callable[[int, SetTimer], int]
"""How long a timer of an address really takes (µs): its duration plus a part of its spread, by its own clock."""


def nominal_span(_address: int, timer: SetTimer) -> int:
    """The duration and half the spread: a world without a seed has no other choice."""
    return timer.duration + timer.spread // 2


@frozen(order=True)
class Due:
    """An armed timer and when it is due; `serial` tells apart two armings of the same timer."""

    deadline: int
    address: int
    timer: str
    serial: int


class Clock:
    """The time, and what is armed. It only moves forward."""

    def __init__(self, span: Span) -> None:
        self.now = 0
        self._span = span
        self._armed: dict[int, dict[str, Due]] = {}
        self._heap: list[Due] = []
        self._serial = 0

    def advance(self, time: int) -> None:
        """Move to `time`, unless it is later already."""
        self.now = max(self.now, time)

    def arm(self, address: int, timer: SetTimer) -> None:
        """Set a timer, in the place of an armed one of the same name."""
        self._serial += 1
        due = Due(self.now + self._span(address, timer), address, timer.timer, self._serial)
        self._armed.setdefault(address, {})[timer.timer] = due
        heapq.heappush(self._heap, due)

    def disarm(self, address: int, timer: str) -> None:
        """Cancel a timer, armed or not."""
        self._armed.get(address, {}).pop(timer, None)

    def disarm_all(self, address: int) -> None:
        """The process at this address is gone, and its timers with it."""
        self._armed.pop(address, None)

    def deadline(self, address: int, timer: str) -> int | None:
        """When the timer is due; None when it is not armed."""
        due = self._armed.get(address, {}).get(timer)
        return None if due is None else due.deadline

    def armed(self, address: int) -> tuple[str, ...]:
        """The names of the timers armed at an address, in ascending order."""
        return tuple(sorted(self._armed.get(address, {})))

    def next_due(self, awake: Callable[[int], bool]) -> Due | None:
        """The timer due next at an address that is awake; those of the others wait until `wake`."""
        while self._heap:
            due = self._heap[0]
            if self._armed.get(due.address, {}).get(due.timer) is due and awake(due.address):
                return due
            heapq.heappop(self._heap)
        return None

    def wake(self, address: int) -> None:
        """The process at this address goes on; timers whose time passed meanwhile are due now."""
        for due in self._armed.get(address, {}).values():
            heapq.heappush(self._heap, due)
