"""Traces happen again: strictly on the spec that made them, tolerantly after it has changed."""

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from model.engines.source import replayed
from model.engines.verdict import TraceStep
from model.kraft.append import append_leader_change
from model.kraft.state import VoteRequest
from model.language import Bool, Fn, Node, Spec, State, eventually, exists, make_spec, require
from properties.registry import find_spec
from traces.format import Trace, TraceError, from_bytes, from_spec_trace, to_bytes
from traces.replay import DIVERGED, Replay, describe, replay, replay_on_spec

Find = Callable[[str], Trace]


def with_step(trace: Trace, index: int, action: str | None, *args: Any) -> Trace:
    """The trace with another action at one step."""
    rows = list(trace.states)
    rows[index] = evolve(rows[index], action=action, args=args)
    return evolve(trace, states=tuple(rows))


def without_bug(trace: Trace) -> Trace:
    """The trace, to be replayed on the correct spec."""
    return evolve(trace, spec=find_spec(trace.spec.name))


@pytest.mark.parametrize(("bug", "at"), [("M5", 4), ("M2", 5), ("KAFKA-10533", 8), ("M3", 11)])
@pytest.mark.parametrize("strict", [True, False])
def test_a_counterexample_happens_again(counterexample: Find, bug: str, at: int, strict: bool) -> None:
    """With its bug planted, a counterexample violates its property at its last step and nowhere before, from the file too."""
    done = replay_on_spec(from_bytes(to_bytes(counterexample(bug))), strict=strict)
    assert (done.side, done.verdict, done.at, done.steps) == ("spec", "violated", at, at)
    assert done.property == counterexample(bug).property
    assert (done.divergence, done.warnings) == (None, ())


def test_without_the_bug_a_vote_is_not_forgotten(counterexample: Find) -> None:
    """Strictly, M2's trace diverges at the restart: the voter still knows its vote, and the trace says that it does not."""
    done = replay_on_spec(without_bug(counterexample("M2")))
    assert (done.verdict, done.at, done.steps) == (DIVERGED, None, 4)
    assert done.divergence is not None
    assert (done.divergence.step, done.divergence.variable, done.divergence.argument) == (4, "voted_for", "[n3]")
    assert (done.divergence.expected, done.divergence.found) == ("-", "n1")
    assert done.reason == "step 4: after n3 restart(n=n3, kept=0), voted_for[n3] is n1, and - in the trace"
    assert [w.split(" (")[0] for w in done.warnings] == ["the spec is not the one that made the trace"]


def test_without_the_bug_the_property_holds(counterexample: Find) -> None:
    """Tolerantly, all of M2's steps are taken on the correct spec, the vote is kept, and the reason says what was different."""
    done = replay_on_spec(without_bug(counterexample("M2")), strict=False)
    assert (done.verdict, done.at, done.steps) == ("holds", None, 5)
    assert done.reason.startswith(
        "5 of 5 steps were taken, and a_voter_votes_once_per_epoch holds throughout; first difference at step 4: "
    )
    assert done.divergence is not None


def test_a_step_that_is_not_enabled_names_its_guard(counterexample: Find) -> None:
    """A node that does not lead cannot append: the false guard is shown with file, line and text."""
    trace = with_step(counterexample("M5"), 1, "append_leader_change", 0)
    done = replay_on_spec(trace)
    source, first = inspect.getsourcelines(append_leader_change)
    line = first + next(i for i, text in enumerate(source) if "Role.LEADER" in text)
    assert done.divergence is not None
    assert done.divergence.guard == f"model/kraft/append.py:{line}: require(s.role[leader] == Role.LEADER)"
    assert done.reason == (
        f"step 1: n1 append_leader_change(leader=n1) is not enabled: the guard is false, {done.divergence.guard}"
    )
    assert (done.verdict, done.steps) == (DIVERGED, 0)


def test_a_guard_over_several_lines_is_shown_whole(counterexample: Find) -> None:
    """A follower has nothing to learn from a second BeginQuorumEpoch; the guard that says so is shown on one line."""
    trace = counterexample("KAFKA-10533")
    again = evolve(trace, states=(*trace.states[:5], trace.states[4]))
    done = replay_on_spec(again)
    assert (done.verdict, done.steps) == (DIVERGED, 4)
    assert done.divergence is not None
    assert done.divergence.guard.startswith("model/kraft/begin_quorum.py:")
    assert done.divergence.guard.endswith(
        ": require( (request.epoch > s.epoch[n]) | ((request.epoch == s.epoch[n]) & (s.leader[n] == NONE)) "
        "| ((request.epoch < s.epoch[n]) & awaits_begin(s, request)) )"
    )


def test_a_request_may_be_handled_again(counterexample: Find) -> None:
    """A vote request that is answered twice changes nothing the second time: also that is a step of the spec."""
    trace = counterexample("M5")
    done = replay_on_spec(evolve(trace, states=(*trace.states[:3], trace.states[2], *trace.states[3:])))
    assert (done.verdict, done.at, done.divergence) == ("violated", 5, None)


def test_a_message_that_was_not_sent_cannot_be_received(counterexample: Find) -> None:
    """A request that is not in flight is named."""
    other = VoteRequest(candidate=0, epoch=0, end=0, last_epoch=0)
    done = replay_on_spec(with_step(counterexample("M5"), 2, "handle_vote_request", 1, other))
    assert done.verdict == DIVERGED
    assert done.reason.endswith(
        "is not enabled: VoteRequest(candidate=n1 epoch=0 end=0 last_epoch=0) is not in vote_requests"
    )


def test_a_step_beyond_the_bounds_is_none(counterexample: Find) -> None:
    """A second election where the bounds allow one leaves the bounds."""
    done = replay_on_spec(with_step(counterexample("M5"), 2, "start_election", 1))
    assert done.reason == "step 2: n2 start_election(n=n2) leaves the bounds of the trace"


def test_a_trace_must_begin_at_the_beginning(counterexample: Find) -> None:
    """An initial state that is not the spec's diverges at step 0."""
    trace = counterexample("M5")
    done = replay_on_spec(evolve(trace, states=trace.states[1:]))
    assert (done.verdict, done.steps) == (DIVERGED, 0)
    assert done.reason == "step 0: in the initial state, epoch[n1] is 0, and 1 in the trace"


def test_a_message_that_only_one_side_has_is_a_difference(counterexample: Find) -> None:
    """If the first difference is a message, the reason says who has it."""
    trace = counterexample("M5")
    rows = list(trace.states)
    place = list(trace.spec.state.variables).index("vote_requests")
    state = list(rows[1].state or ())
    sent, state[place] = state[place], ()
    rows[1] = evolve(rows[1], state=tuple(state))
    done = replay_on_spec(evolve(trace, states=tuple(rows)))
    assert len(sent) == 1
    assert done.reason == (
        "step 1: after n1 start_election(n=n1), the replay has VoteRequest(candidate=n1 epoch=1 end=0 last_epoch=0) "
        "in vote_requests and the trace has not"
    )


def test_a_stutter_changes_nothing(counterexample: Find) -> None:
    """A step without an action of the spec is replayed as a stutter; a change in it is a divergence."""
    trace = counterexample("M5")
    stutter = evolve(trace.states[1], action=None, args=(), actor=None)
    still = evolve(trace, states=(*trace.states[:2], stutter, *trace.states[2:]))
    assert (replay_on_spec(still).verdict, replay_on_spec(still).at) == ("violated", 5)
    done = replay_on_spec(with_step(trace, 1, None))
    assert done.reason == "step 1: in a step without an action of the spec, epoch[n1] is 0, and 1 in the trace"


def test_tolerance_skips_what_is_not_enabled(counterexample: Find) -> None:
    """A step that is not enabled any more is skipped with a warning, and the rest still violates the property."""
    trace = counterexample("M5")
    extra = evolve(trace.states[1], action="append_leader_change", args=(2,))
    longer = evolve(trace, states=(*trace.states[:2], extra, *trace.states[2:]))
    assert replay_on_spec(longer).verdict == DIVERGED
    done = replay_on_spec(longer, strict=False)
    assert (done.verdict, done.at, done.steps) == ("violated", 5, 4)
    assert len(done.warnings) == 1
    assert done.warnings[0].startswith(
        "step 2 skipped: n1 append_leader_change(leader=n3) is not enabled: the guard is false, model/"
    )


def test_tolerance_skips_actions_that_are_gone(counterexample: Find) -> None:
    """An action that the spec no longer has is skipped; what it would have done is missing afterwards."""
    document = json.loads(to_bytes(counterexample("M5")))
    document["states"][3]["#meta"]["action"] = "handle_grant"
    trace = from_bytes(json.dumps(document).encode(), strict=False)
    done = replay_on_spec(trace, strict=False)
    assert (done.verdict, done.steps) == ("holds", 2)
    assert [w.partition(":")[0] for w in done.warnings] == ["step 3 skipped", "step 4 skipped"]
    assert 'the spec has no action "handle_grant"' in done.warnings[0]
    assert done.reason.startswith("2 of 4 steps were taken")
    assert "3  handle_grant(...)" in describe(trace)


def test_another_spec_is_a_warning_only(counterexample: Find) -> None:
    """A strict replay goes on when the source of the spec has changed and every step is still one of it."""
    trace = evolve(counterexample("M5"), spec_hash="0123456789abcdef")
    done = replay_on_spec(trace)
    assert (done.verdict, done.at) == ("violated", 4)
    assert done.warnings == (
        f"the spec is not the one that made the trace (hash 0123456789abcdef, here {trace.spec.digest()})",
    )


@pytest.mark.parametrize(("name", "at"), [("everybody_commits", 7), ("everybody_aborts", 2)])
def test_what_is_reachable_is_reached_again(reached: Find, name: str, at: int) -> None:
    """A path to a `sometimes` holds at its last step; a path cut short does not show it."""
    trace = reached(name)
    done = replay_on_spec(trace)
    assert (done.verdict, done.at, done.reason) == ("holds", at, f"{name} is reached at step {at}")
    short = replay_on_spec(evolve(trace, states=trace.states[:-1]))
    assert (short.verdict, short.at) == (DIVERGED, None)
    assert short.reason == f"step {at - 1}: every step is one of the spec, and none reaches {name}"


def test_what_is_decided_early_is_said(counterexample: Find) -> None:
    """If the property is decided before the end, the step and the length of the trace are named."""
    done = replay_on_spec(evolve(counterexample("M5"), property="a_leader_is_elected", kind="sometimes"))
    assert (done.verdict, done.at) == ("holds", 3)
    assert done.warnings == ("decided at step 3 already; the trace goes on to step 4",)


def test_a_property_of_steps_needs_a_step(counterexample: Find) -> None:
    """The initial state alone decides nothing about a property of two states."""
    trace = counterexample("M2")
    done = replay_on_spec(evolve(trace, states=trace.states[:1]))
    assert (done.verdict, done.steps) == ("holds", 0)


def test_what_the_implementation_shows_is_not_judged_here(counterexample: Find) -> None:
    """On the spec, the trace of a node that died is only a path."""
    done = replay_on_spec(evolve(counterexample("M5"), property="n1 died", kind="incident"))
    assert (done.verdict, done.at) == ("holds", None)
    assert done.reason == "every step is one of the spec; n1 died (incident) is for the implementation to show"


def test_a_property_that_is_gone_is_one_line(counterexample: Find) -> None:
    """A trace in memory whose property the spec does not have is refused."""
    with pytest.raises(TraceError, match=r"#meta\.lockstep\.property: unknown property 'gone'"):
        replay_on_spec(evolve(counterexample("M5"), property="gone"))


# ---- liveness: a lamp that can be switched on and off, and broken


class Lamp(State):
    """Lamps of nodes."""

    on = Fn(Node, Bool)
    broken = Fn(Node, Bool)


def switch_on(s: Lamp, n: Node) -> None:
    """A lamp is switched on."""
    require(not s.on[n])

    s.on[n] = True


def switch_off(s: Lamp, n: Node) -> None:
    """A lamp is switched off."""
    require(s.on[n])

    s.on[n] = False


def break_lamp(s: Lamp, n: Node) -> None:
    """A lamp breaks."""
    s.broken[n] = True


@eventually
def a_lamp_breaks(s: Lamp) -> object:
    """Some lamp breaks."""
    return exists(Node, lambda n: s.broken[n])


LAMP = make_spec(
    "lamp",
    title="Lamps",
    state=Lamp,
    init=lambda s: None,
    actions=(switch_on, switch_off, break_lamp),
    properties=(a_lamp_breaks,),
    bounds={"nodes": 1},
)


def lamp(spec: Spec, loop: int | None, *actions: str) -> Trace:
    """A path of the one lamp."""
    path = replayed(spec, spec.bounds, tuple(TraceStep(action, (0,)) for action in actions))
    return from_spec_trace(
        spec, spec.bounds, path, property="a_lamp_breaks", kind="eventually", engine="explore", loop=loop
    )


@pytest.mark.parametrize(
    ("loop", "actions", "verdict", "at", "reason"),
    [
        (0, ("switch_on",), "violated", 1, "a_lamp_breaks is never reached, and the run goes on from state 0 for ever"),
        (1, ("switch_on",), "violated", 1, "a_lamp_breaks is never reached, and the run goes on from state 1 for ever"),
        (
            0,
            ("switch_on", "switch_off", "switch_on"),
            "violated",
            3,
            "a_lamp_breaks is never reached, and the run goes",
        ),
        (None, ("switch_on",), DIVERGED, None, "step 1: only a loop can violate a_lamp_breaks, and the trace has none"),
        (0, ("switch_on", "switch_off"), DIVERGED, None, "step 2: no step leads from here back to state 0"),
        (2, ("switch_on", "break_lamp"), "holds", 2, "a_lamp_breaks is reached at step 2"),
    ],
)
def test_a_lasso_is_a_real_one(
    loop: int | None, actions: tuple[str, ...], verdict: str, at: int | None, reason: str
) -> None:
    """A liveness counterexample comes back to its loop and never reaches what it should; anything else is none."""
    trace = lamp(LAMP, loop, *actions)
    assert from_bytes(to_bytes(trace), find=lambda _: LAMP) == trace
    done = replay_on_spec(trace)
    assert (done.verdict, done.at) == (verdict, at)
    assert done.reason.startswith(reason)
    assert done.warnings == ()


@pytest.mark.parametrize(
    ("fairness", "verdict", "reason"),
    [
        ({"switch_off": "strong"}, "violated", "a_lamp_breaks is never reached"),
        ({"break_lamp": "weak"}, DIVERGED, "break_lamp (weak fair) is enabled and never taken"),
    ],
)
def test_a_lasso_is_a_fair_one(fairness: dict[str, str], verdict: str, reason: str) -> None:
    """Switching on and off for ever is no counterexample if the lamp breaks when it can for long enough."""
    done = replay_on_spec(lamp(LAMP.with_fairness(fairness), 0, "switch_on"))
    assert done.verdict == verdict
    assert reason in done.reason


@eventually(after=lambda s: exists(Node, lambda n: s.on[n]))
def light_is_switched_off(s: Lamp) -> object:
    """A lamp that is on is off again later."""
    return exists(Node, lambda n: not s.on[n])


@pytest.mark.parametrize(
    ("loop", "actions", "verdict"),
    [(1, ("switch_on",), "violated"), (0, ("switch_on",), "holds"), (0, (), "holds")],
)
def test_a_lasso_owes_what_was_triggered(loop: int, actions: tuple[str, ...], verdict: str) -> None:
    """A lamp that stays on owes; one that is switched off again, or was never on, does not."""
    spec = LAMP.with_properties((light_is_switched_off,))
    trace = evolve(lamp(LAMP, loop, *actions), spec=spec, property="light_is_switched_off")
    assert replay_on_spec(trace).verdict == verdict


# ---- both sides, and the description


def test_other_sides_plug_in(counterexample: Find) -> None:
    """A replay runs on the sides that are asked for, in their order, and an unknown side is named."""
    asked: list[bool] = []

    def on_impl(trace: Trace, *, strict: bool) -> Replay:
        asked.append(strict)
        return Replay("impl", 0, "violated", trace.property, 4, "seen")

    both = replay(counterexample("M5"), ("impl", "spec"), strict=False, replayers={"impl": on_impl})
    assert [done.side for done in both] == ["impl", "spec"]
    assert asked == [False]
    with pytest.raises(LookupError, match="unknown side 'imp' to replay on: did you mean impl"):
        replay(counterexample("M5"), ("imp",), replayers={"impl": on_impl})


def test_a_trace_reads_like_a_story(counterexample: Find) -> None:
    """The description has a line per step, in the words of the protocol, and what changed below it."""
    lines = describe(counterexample("M2"))
    within = "elections=2 epochs=1 log=0 nodes=3 restarts=1 stale=0 values=0"
    assert lines[:2] == [
        f"kraft with bug M2: violates a_voter_votes_once_per_epoch; found by explore within {within}",
        "0  initial state",
    ]
    assert lines[lines.index("4  n3 restart(n=n3, kept=0)") :] == [
        "4  n3 restart(n=n3, kept=0)",
        "     voted_for[n3]: n1 -> -",
        "     role[n3]: VOTED -> UNATTACHED",
        "     aux_restarts: 0 -> 1",
        "5  n3 handle_vote_request(voter=n3, request=VoteRequest(candidate=n2 epoch=1 end=0 last_epoch=0))",
        "     voted_for[n3]: - -> n2",
        "     role[n3]: UNATTACHED -> VOTED",
        "     vote_responses + VoteResponse(candidate=n2 voter=n3 epoch=1 leader=- granted=true)",
        "     ghost_vote[n3]: n1 -> n2",
    ]


def test_a_lasso_reads_as_one() -> None:
    """The description of a lasso says where it goes on."""
    assert describe(lamp(LAMP, 0, "switch_on"))[-1] == "   then again from 0"
