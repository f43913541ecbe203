"""Shrinking a recording: fewer and fewer choices that still show the same, until no single one can be left out.

What is left out moves everything after it: messages get other ids, zxids and links. So a choice about a message is carried over as
what it is about (the oldest message of that kind from there to there), and what cannot happen any more is left out too. Delta debugging
(Zeller and Hildebrandt 2002): halves, quarters, ... single choices; 1-minimal at the end.
"""

from collections.abc import Callable, Sequence

from attrs import evolve, frozen

from impl.world.choices import (
    Choice,
    ChoiceError,
    ClientOp,
    Crash,
    CrashDuring,
    Cut,
    Deliver,
    Drop,
    Fire,
    Heal,
    Pause,
    Restart,
    Resume,
)
from impl.world.world import World
from traces.ensemble.recording import Recording
from traces.ensemble.watch import FRESH, EnsembleWatch

Tell = Callable[[int], None]


@frozen
class _Wish:
    """A choice, and of the message that it is about (if any) sender, receiver and kind."""

    choice: Choice
    about: tuple[int, int, str] | None


def shrink(recording: Recording, tell: Tell | None = None) -> Recording:
    """The smallest recording that this way leads to; itself if nothing can be left out. `tell` is told how many steps are left.

    Raises ValueError for one that does not show its property.
    """
    best = _made(recording, _wishes(recording))
    if best is None:
        raise ValueError(f"the recording does not show {recording.property}")
    while True:
        smaller = _by_parts(_by_operations(_by_addresses(best, tell), tell), tell)
        if len(smaller.choices) == len(best.choices):
            return best
        best = smaller


def _by_addresses(best: Recording, tell: Tell | None) -> Recording:
    """Without everything that is about one server or client."""
    for address in (*best.config.voters, *best.config.client_addresses):
        found = _made(best, [wish for wish in _wishes(best) if not _concerns(wish, address)])
        if found is not None and len(found.choices) < len(best.choices):
            best = found
            _told(tell, best)
    return best


def _by_operations(best: Recording, tell: Tell | None) -> Recording:
    """Without whole operations of clients: from the call to the client's next one."""
    place = 0
    while place < len(best.choices):
        wishes, call = _wishes(best), best.choices[place]
        if isinstance(call, ClientOp):
            later = (n for n in range(place + 1, len(wishes)) if _calls(wishes[n], call.client))
            end = next(later, len(wishes))
            rest = [wish for wish in wishes[place:end] if not _concerns(wish, call.client)]
            found = _made(best, [*wishes[:place], *rest, *wishes[end:]])
            if found is not None and len(found.choices) < len(wishes):
                best = found
                _told(tell, best)
                continue
        place += 1
    return best


def _by_parts(best: Recording, tell: Tell | None) -> Recording:
    """Without halves, quarters, ... of the choices, down to single ones."""
    size = max(1, len(best.choices) // 2)
    while True:
        place, before = 0, len(best.choices)
        while place < len(best.choices):
            wishes = _wishes(best)
            found = _made(best, [*wishes[:place], *wishes[place + size :]])
            if found is not None and len(found.choices) < len(wishes):
                best = found
                _told(tell, best)
            else:
                place += size
        if size == 1 and len(best.choices) == before:
            return best
        size = max(1, size // 2)


def _told(tell: Tell | None, best: Recording) -> None:
    if tell is not None:
        tell(len(best.choices))


def _calls(wish: _Wish, client: int) -> bool:
    return isinstance(wish.choice, ClientOp) and wish.choice.client == client


def _concerns(wish: _Wish, address: int) -> bool:
    """Whether a choice is about a server or client: its timers, faults and calls, and messages from and to it."""
    choice = wish.choice.choice if isinstance(wish.choice, CrashDuring) else wish.choice
    if wish.about is not None:
        return address in wish.about[:2]
    match choice:
        case ClientOp(client):
            return client == address
        case Cut(src, dst) | Heal(src, dst):
            return address in {src, dst}
        case Fire(node) | Crash(node) | Restart(node) | Pause(node) | Resume(node):
            return node == address
        case _:
            return False


def is_minimal(recording: Recording) -> bool:
    """Whether it shows its property, and does not with any single choice left out."""
    wishes = _wishes(recording)
    without = ([*wishes[:place], *wishes[place + 1 :]] for place in range(len(wishes)))
    return _made(recording, wishes) is not None and all(_made(recording, some) is None for some in without)


def _wishes(recording: Recording) -> list[_Wish]:
    """The choices in a form that survives when others are left out."""
    world = World(recording.config)
    wishes = []
    for choice in recording.choices:
        inner = choice.choice if isinstance(choice, CrashDuring) else choice
        about = None
        if isinstance(inner, Deliver | Drop):
            message = world.sent[inner.message_id]
            about = (message.src, message.dst, type(message).__name__)
        wishes.append(_Wish(choice, about))
        world.apply(choice)
    return wishes


def _made(recording: Recording, wishes: Sequence[_Wish]) -> Recording | None:
    """The run in which these wishes come true as far as they can, up to where it shows the property; None if it does not."""
    watch = EnsembleWatch(recording.config.ensemble.machine, only=(recording.property,))
    world = World(recording.config, observers=[watch])
    for wish in wishes:
        choice = _granted(world, wish)
        if choice is None:
            continue
        answers = len(world.history)
        try:
            world.apply(choice)
        except ChoiceError:
            continue
        if recording.property == FRESH and len(world.history) > answers:
            watch.require_fresh(world)
        if watch.finding is not None:
            break
    if watch.finding is None:
        watch.judge(world)
    if watch.finding is None or watch.finding.name != recording.property:
        return None
    made = watch.recording(world, engine=recording.engine, seed=recording.seed)
    return evolve(made, kind=recording.kind)


def _granted(world: World, wish: _Wish) -> Choice | None:
    """The choice that a wish comes to in this world; None if there is no such message."""
    choice = wish.choice
    if wish.about is None:
        return choice
    network = world.network
    found = next((number for number in network.in_flight() if _about(world, number) == wish.about), None)
    if found is None or not network.is_deliverable(found):
        return None
    match choice:
        case Deliver() | Drop():
            return evolve(choice, message_id=found)
        case CrashDuring(Deliver() as inner):
            return evolve(choice, choice=evolve(inner, message_id=found))
        case _:
            return choice


def _about(world: World, message_id: int) -> tuple[int, int, str]:
    message = world.sent[message_id]
    return message.src, message.dst, type(message).__name__
