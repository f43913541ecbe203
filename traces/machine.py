"""A Hypothesis state machine whose rules are the choices of the simulated world: what is found is small, because it shrinks.

`WorldMachine` has the rules; a subclass per mode says which world it is, and what must hold (`traces.kraft_machine`,
`traces.ensemble.machine`). Subclass those to change the cluster, the bug, the faults or the properties; a machine's test case is its
`TestCase`, as for every rule-based machine. A failure is saved as a trace, and the message says how to replay it; what is left on disk
is the run that Hypothesis shrank last.
"""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from impl.operations import Operation
from impl.world.choices import (
    Choice,
    ClientOp,
    Crash,
    CrashDuring,
    Cut,
    Deliver,
    Drop,
    Duplicate,
    Fire,
    Heal,
    NodeChoice,
    Pause,
    Redeliver,
    Restart,
    Resume,
)
from impl.world.config import FaultBudget
from impl.world.world import World
from traces.errors import TraceError
from traces.watch import Finding

TOPICS = ("orders", "payments")
"""What the clients' operations are about."""

_PICK = st.integers(0, 31)
"""Which of the choices on offer; taken modulo their number, so that 0, the first, is what it shrinks to."""

LATENCY = 20_000
"""How long a message takes when nothing goes wrong, in µs. Time must pass: a follower asks a resigned leader again and again."""


def fair_choice(world: World) -> Choice | None:
    """What happens next if nothing goes wrong: the timer that is due, else the oldest message arrives, else the next timer fires.

    A message to a node that is down is lost; one to a node that is paused waits. None if nothing can happen.
    """
    due = world.next_due()
    if due is None or due.deadline > world.now + LATENCY:
        for message_id in world.network.in_flight():
            dst = world.sent[message_id].dst
            if world.is_reachable(dst) and world.network.is_deliverable(message_id):
                return Deliver(message_id, at=world.now + LATENCY)
            if world.status(dst) == "down":
                return Drop(message_id)
    return None if due is None else Fire(due.address, due.timer, at=max(due.deadline, world.now))


class WorldMachine(RuleBasedStateMachine):
    """A cluster of `nodes` nodes with `clients` clients, in which Hypothesis chooses what happens.

    `bug` is the implementation's. `head_start` is how many steps go well before Hypothesis chooses. `budget` bounds the faults of a
    run, `quiet_steps` how long a run goes on without faults; `out` is the directory for traces. `functions` are what clients ask for.
    """

    nodes: ClassVar[int] = 3
    clients: ClassVar[int] = 2
    bug: ClassVar[str | None] = None
    budget: ClassVar[FaultBudget] = FaultBudget(drops=4, duplicates=4, crashes=3, pauses=2, cuts=4, client_ops=6)
    quiet_steps: ClassVar[int] = 1_000
    head_start: ClassVar[int] = 0
    out: ClassVar[Path] = Path("lockstep-out")
    functions: ClassVar[tuple[str, ...]] = ("create_topic", "set_config", "update", "read", "delete_topic")

    def __init__(self) -> None:
        super().__init__()
        self.world = self.new_world()
        self._offers: dict[type, list[Any]] = {}
        self._offered_at = -1
        if self.head_start:
            self.run_well(self.head_start)

    @abstractmethod
    def new_world(self) -> World:
        """The world of this machine, under watch. Called once."""

    @property
    @abstractmethod
    def finding(self) -> Finding | None:
        """What the watch has found; None while all is well."""

    @abstractmethod
    def save(self, finding: Finding) -> tuple[Path, int]:
        """Save the run up to what was found: where it is, and how many steps of the world it has. Raises OSError or TraceError."""

    # ---- what can happen
    def offers(self, kind: type) -> list[Any]:
        """The choices of a kind that the world offers now, in its order.

        Timers fire at once, whatever their deadline: the time is part of the choice, so that a replay needs no timer's span.
        """
        if self._offered_at != self.world.steps:
            self._offered_at = self.world.steps
            self._offers = {}
            for choice in self.world.choices(mid_step=False):
                timely = evolve(choice, at=self.world.now) if isinstance(choice, Fire) else choice
                self._offers.setdefault(type(choice), []).append(timely)
        return self._offers.get(kind, [])

    def copies(self) -> list[Redeliver]:
        """Messages of the past that may arrive again, the newest first; they count as duplicates."""
        bound, counts = self.budget.duplicates, self.world.counts
        if bound is not None and counts["duplicate"] + counts["redeliver"] >= bound:
            return []
        newest_first = range(len(self.world.sent) - 1, -1, -1)
        return [
            Redeliver(number)
            for number in newest_first
            if self.world.may_duplicate(number) and self.world.is_reachable(self.world.sent[number].dst)
        ]

    def interruptible(self) -> list[NodeChoice]:
        """The steps of nodes in whose middle the power may fail."""
        if not self.offers(Crash) and not self.offers(Restart):
            return []
        bound, counts = self.budget.crashes, self.world.counts
        if bound is not None and counts["crash"] + counts["crash_during"] >= bound:
            return []
        steps = [*self.offers(Deliver), *self.offers(Fire), *self.offers(Restart)]
        return [step for step in steps if self.world.address_of(step) in self.world.voters]

    def act(self, choice: Choice) -> None:
        """Make a choice happen, and check what came of it."""
        self.world.apply(choice)
        self.nothing_is_broken()

    def run_well(self, steps: int) -> None:
        """So many steps in which nothing goes wrong, if there are as many."""
        for _ in range(steps):
            choice = fair_choice(self.world)
            if choice is None:
                return
            self.act(choice)

    def pick(self, kind: type, number: int) -> None:
        """Make the offer of a kind with this number (modulo) happen."""
        found = self.offers(kind)
        self.act(found[number % len(found)])

    # ---- the rules: what the world does by itself first, since a run shrinks to the rules that stand first
    @rule(steps=st.integers(1, 40))
    def run(self, steps: int) -> None:
        """All goes well for some steps of the world."""
        self.run_well(steps)

    @precondition(lambda self: self._repairs())
    @rule()
    def repair(self) -> None:
        """Every link heals, every node runs."""
        for choice in self._repairs():
            self.act(choice)

    @precondition(lambda self: self.offers(Deliver))
    @rule(number=_PICK)
    def deliver(self, number: int) -> None:
        """A message arrives, in whatever order."""
        self.pick(Deliver, number)

    @precondition(lambda self: self.offers(Fire))
    @rule(number=_PICK)
    def fire(self, number: int) -> None:
        """A timer expires, early or late."""
        self.pick(Fire, number)

    @precondition(lambda self: self.offers(ClientOp))
    @rule(
        number=_PICK,
        function=_PICK,
        topic=st.sampled_from(TOPICS),
        version=st.integers(0, 3),
        node=st.none() | st.integers(1, 9),
    )
    def client_operation(self, number: int, function: int, topic: str, version: int, node: int | None) -> None:
        """A client that is idle invokes an operation, at a node of its choice or the one that it takes for the leader."""
        f = self.functions[function % len(self.functions)]
        idle = self.offers(ClientOp)
        client = idle[number % len(idle)].client
        value = self.world.counts["client_op"] + 1 if f in ("set_config", "update") else None
        operation = Operation(f, topic, value, version if f == "update" else None)
        self.act(ClientOp(client, operation, None if node is None else (node - 1) % self.nodes + 1))

    @precondition(lambda self: self.offers(Restart))
    @rule(number=_PICK)
    def restart(self, number: int) -> None:
        """A node that is down starts from its disk."""
        self.pick(Restart, number)

    @precondition(lambda self: self.offers(Resume))
    @rule(number=_PICK)
    def resume(self, number: int) -> None:
        """A paused node goes on."""
        self.pick(Resume, number)

    @precondition(lambda self: self.offers(Heal))
    @rule(number=_PICK)
    def heal(self, number: int) -> None:
        """A link works again, in one direction."""
        self.pick(Heal, number)

    @precondition(lambda self: self.offers(Drop))
    @rule(number=_PICK)
    def drop(self, number: int) -> None:
        """A message is lost."""
        self.pick(Drop, number)

    @precondition(lambda self: self.offers(Duplicate))
    @rule(number=_PICK)
    def duplicate(self, number: int) -> None:
        """A message arrives, and will arrive again."""
        self.pick(Duplicate, number)

    @precondition(lambda self: self.copies())
    @rule(number=_PICK)
    def redeliver(self, number: int) -> None:
        """A message of the past arrives again."""
        found = self.copies()
        self.act(found[number % len(found)])

    @precondition(lambda self: self.offers(Crash))
    @rule(number=_PICK)
    def crash(self, number: int) -> None:
        """The power of a node fails; any part of what it has not flushed survives."""
        self.pick(Crash, number)

    @precondition(lambda self: self.interruptible())
    @rule(number=_PICK, after=_PICK, kept=_PICK)
    def crash_during(self, number: int, after: int, kept: int) -> None:
        """The power of a node fails in the middle of a step."""
        found = self.interruptible()
        step = found[number % len(found)]
        effects = self.world.preview(step)
        done = after % (len(effects) + 1)
        least, most = self.world.kept_range(self.world.address_of(step), effects[:done])
        self.act(CrashDuring(step, done, least + kept % (most - least + 1)))

    @precondition(lambda self: self.offers(Pause))
    @rule(number=_PICK)
    def pause(self, number: int) -> None:
        """A node stops for a while."""
        self.pick(Pause, number)

    @precondition(lambda self: self.offers(Cut))
    @rule(number=_PICK)
    def cut(self, number: int) -> None:
        """A link is cut, in one direction."""
        self.pick(Cut, number)

    # ---- what must hold
    @invariant()
    def nothing_is_broken(self) -> None:
        """Nothing was found; else the run is saved and this fails."""
        finding = self.finding
        if finding is not None:
            raise AssertionError(f"{finding}\n{self._saved(finding)}")

    def quiet_period(self, unread: dict[int, list[str]]) -> Iterator[Choice]:
        """Choices without faults until every client has read its topics in `unread`, at most `quiet_steps`."""
        world = self.world
        yield from self._repairs()
        for _ in range(self.quiet_steps):
            if not any(unread.values()) and all(map(world.is_idle, unread)):
                return
            reader = next((client for client, topics in unread.items() if topics and world.is_idle(client)), None)
            choice = (
                fair_choice(world) if reader is None else ClientOp(reader, Operation("read", unread[reader].pop(0)))
            )
            if choice is None:
                return
            yield choice

    def _repairs(self) -> tuple[Choice, ...]:
        return (*self.offers(Heal), *self.offers(Resume), *self.offers(Restart))

    def _saved(self, finding: Finding) -> str:
        """Save the run, and say where it is and how to see it again."""
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            path, steps = self.save(finding)
        except (OSError, TraceError) as error:
            return f"the trace cannot be saved to {self.out}: {error}"
        return f"trace: {path} ({steps} steps of the world)\nreplay: lockstep replay {path}"
