"""In which metadata a history of operations may end: what two systems that were given the same work must agree on.

One client does one operation after the other; the outcome of each is known or not. An operation without a known outcome may take
effect at any later time, or never. Without such, one state is allowed; with them, several. A key is a topic: it exists or not,
and has a configuration value.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

Topic = tuple[bool, Any]
"""Whether it exists, and its configuration value (None: not set, or no topic)."""

GONE: Topic = (False, None)
REFUSED_WHERE = {"TOPIC_ALREADY_EXISTS": True, "UNKNOWN_TOPIC_OR_PARTITION": False}
"""Error -> whether the topic exists where an operation is refused with it. Any other refusal says nothing about that."""


@frozen
class Done:
    """One operation: function, key, value (of what is written), outcome (`ok`, `fail` or `info`: not known), and the error."""

    f: str
    key: str
    value: Any
    outcome: str
    error: str | None = None


@frozen
class Semantics:
    """What a system promises.

    lazy_delete   a deletion is accepted and carried out later, like in ZooKeeper mode, where the controller does it
    torn_create   a creation writes the configuration before the topic, and so may reset that of a topic which somebody else
                  has created meanwhile (AdminZkClient.createTopicWithAssignment)
    """

    lazy_delete: bool = False
    torn_create: bool = False


@frozen
class _State:
    """A topic, and the operations (by index) that may yet take effect, or must."""

    topic: Topic
    may: tuple[int, ...] = ()
    must: tuple[int, ...] = ()


def done_of(history: Iterable[Mapping[str, Any]]) -> tuple[Done, ...]:
    """The operations of a history (events with `type`, `process`, `f`, `key`, `value`, `error`) that is not concurrent."""
    done: list[Done] = []
    invoked: dict[int, tuple[str, str, Any]] = {}
    for event in history:
        process = event["process"]
        if event["type"] == "invoke":
            argument = event["value"]
            value = argument.get("value") if isinstance(argument, Mapping) else argument
            invoked[process] = (event["f"], event["key"], value)
        else:
            f, key, value = invoked.pop(process)
            done.append(Done(f, key, value, event["type"], event.get("error")))
    done.extend(Done(f, key, value, "info") for f, key, value in invoked.values())
    return tuple(done)


def allowed(done: tuple[Done, ...], semantics: Semantics) -> dict[str, tuple[Topic, ...]]:
    """Per key, the topics in which these operations can end; none: no system with these semantics answers so."""
    keys = sorted({one.key for one in done})
    return {key: _allowed(tuple(one for one in done if one.key == key), semantics) for key in keys}


def _allowed(done: tuple[Done, ...], semantics: Semantics) -> tuple[Topic, ...]:
    states: dict[_State, None] = {_State(GONE): None}
    for index, one in enumerate(done):
        if one.f in ("read", "sync_read"):
            continue
        states = _closure(states, done, semantics)
        states = dict.fromkeys(after for state in states for after in _after(state, one, index, semantics))
    return tuple(dict.fromkeys(state.topic for state in _closure(states, done, semantics) if not state.must))


def _closure(states: dict[_State, None], done: tuple[Done, ...], semantics: Semantics) -> dict[_State, None]:
    """With everything that operations on their way may do, in any order."""
    reached = dict(states)
    waiting = list(states)
    while waiting:
        state = waiting.pop()
        for index in (*state.may, *state.must):
            may = tuple(other for other in state.may if other != index)
            must = tuple(other for other in state.must if other != index)
            for topic in _late(state.topic, done[index], semantics):
                after = _State(topic, may, must)
                if after not in reached:
                    reached[after] = None
                    waiting.append(after)
    return reached


def _after(state: _State, one: Done, index: int, semantics: Semantics) -> Iterable[_State]:
    """The states after an operation with this outcome; none where it cannot have had it."""
    if one.outcome == "info":
        return (_State(state.topic, (*state.may, index), state.must),)
    exists = state.topic[0]
    if one.outcome == "fail":
        wanted = REFUSED_WHERE.get(one.error or "", exists)
        return (state,) if exists == wanted else ()
    if exists == (one.f == "create_topic"):
        return ()
    if one.f == "delete_topic" and semantics.lazy_delete:
        return (_State(state.topic, state.may, (*state.must, index)),)
    return (_State(_effect(one), state.may, state.must),)


def _effect(one: Done) -> Topic:
    match one.f:
        case "create_topic":
            return (True, None)
        case "delete_topic":
            return GONE
        case _:
            return (True, one.value)


def _late(topic: Topic, one: Done, semantics: Semantics) -> tuple[Topic, ...]:
    """What an operation does that takes effect now; a deletion that was accepted and finds nothing has done its work."""
    exists = topic[0]
    if one.f == "create_topic":
        if not exists:
            return (_effect(one),)
        return ((True, None),) if semantics.torn_create else ()
    if one.f == "delete_topic":
        return (GONE,)
    return (_effect(one),) if exists else ()
