"""Threads that wait for ZooKeeper, as values.

Kafka's threads ask ZooKeeper and block until it answers. Here a thread's code is a generator that yields what it asks for;
but a generator is no value, so what is kept of a running task is what it was started with and what it has been told so far.
To go on, the generator is run again from the start, over a copy of that, and told the same. It reads nothing else, so that it
does the same; what it had put out before is not put out again. (Tasks are short, a dozen answers, or this would cost.)

Source of what happens to requests: ZooKeeperClient.handleRequests, KafkaZkClient.retryRequestsUntilConnected. Requests are
pipelined, at most ten; those whose answer the connection has lost are asked again once there is a connection, in the same
session; once the session has expired, the caller gets an exception.
"""

from collections.abc import Callable, Generator
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from attrs import evolve, frozen

from impl.zookeeper.handle import Submit
from impl.zookeeper.requests import Answer, Operation

MAX_IN_FLIGHT = 10

T = TypeVar("T")
W = TypeVar("W")

Ask: TypeAlias = tuple[Operation, ...]
Answers: TypeAlias = tuple[Answer, ...]
Program: TypeAlias = Generator[Ask, Answers, T]
"""Code of a thread: yields batches of operations, is sent their answers, returns a T; SessionExpired is thrown in."""


class SessionExpired(Exception):
    """The session ended before all answers came; some of what was asked may have taken effect."""


@frozen
class InFlight:
    """A batch: its operations, the answers that are there, and the numbers under which operations are on their way."""

    ops: Ask
    answers: tuple[Answer | None, ...]
    numbers: tuple[int | None, ...]

    @classmethod
    def of(cls, ops: Ask) -> "InFlight":
        """A batch of which nothing has been sent."""
        return cls(ops, (None,) * len(ops), (None,) * len(ops))

    @property
    def is_complete(self) -> bool:
        """Whether all answers are there."""
        return all(answer is not None for answer in self.answers)

    def submit(self, next_number: int) -> tuple["InFlight", tuple[Submit, ...]]:
        """Send what is neither answered nor on its way, in order, as far as the limit allows."""
        numbers = list(self.numbers)
        submits: list[Submit] = []
        room = MAX_IN_FLIGHT - sum(number is not None for number in numbers)
        for index, op in enumerate(self.ops):
            if numbers[index] is None and self.answers[index] is None and room > 0:
                numbers[index] = next_number + len(submits)
                submits.append(Submit(next_number + len(submits), op))
                room -= 1
        return evolve(self, numbers=tuple(numbers)), tuple(submits)

    def answered(self, number: int, answer: Answer) -> "InFlight":
        """One answer is there."""
        index = self.numbers.index(number)
        answers = (*self.answers[:index], answer, *self.answers[index + 1 :])
        return evolve(self.lost(number), answers=answers)

    def lost(self, number: int) -> "InFlight":
        """One answer will not come: the operation is to be sent again."""
        index = self.numbers.index(number)
        return evolve(self, numbers=(*self.numbers[:index], None, *self.numbers[index + 1 :]))


@frozen
class Task(Generic[W]):
    """A thread at work.

    work     what it was started for
    start    what it was started with; never changed, every run works on a copy
    told     the answers to its batches so far; None: the session had expired
    emitted  how much of its output has been taken
    batch    what it waits for
    """

    work: W
    start: Any
    told: tuple[Answers | None, ...] = ()
    emitted: int = 0
    batch: InFlight | None = None


class Scratch(Protocol):
    """A working copy of what a task was started with; `output` is what its thread has put out, in order."""

    output: list[Any]


S = TypeVar("S", bound=Scratch)


@frozen
class Run(Generic[W, S]):
    """A task that went on: it waits again (`task`), or has ended with a result (`task` None); and what it put out meanwhile."""

    task: Task[W] | None
    scratch: S
    output: tuple[Any, ...]
    result: Any = None


def go_on(task: Task[W], copy: Callable[[Any], S], program_of: Callable[[S, W], Program[Any]]) -> Run[W, S]:
    """Run a task from its start over all that it has been told, to the next batch or the end.

    Every exception but SessionExpired passes through: a program handles what its thread would, and the rest is a defect.
    """
    scratch = copy(task.start)
    program = program_of(scratch, task.work)
    try:
        ask = next(program)
        for answers in task.told:
            ask = program.send(answers) if answers is not None else program.throw(SessionExpired())
    except StopIteration as stop:
        return Run(None, scratch, tuple(scratch.output[task.emitted :]), stop.value)
    emitted = scratch.output[task.emitted :]
    waiting = evolve(task, emitted=len(scratch.output), batch=InFlight.of(ask))
    return Run(waiting, scratch, tuple(emitted))
