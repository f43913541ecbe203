"""Driving: one action of the spec at a time is made to happen in the world, or it is said what is missing."""

import pytest

from impl.world.choices import Crash, CrashDuring, Fire, Redeliver, Restart
from model.kraft.state import VoteRequest
from model.language.plain import Stepper
from properties.registry import find_spec
from traces.drive import Driver, drive
from traces.driving import CannotDrive
from traces.steps import Step

KRAFT = find_spec("kraft")
REQUEST = VoteRequest(candidate=0, epoch=1, end=0, last_epoch=0)


def states_along(path: list[Step]) -> list[tuple[object, ...]]:
    """The states of the spec after each step of a path."""
    stepper = Stepper(KRAFT, KRAFT.complete_bounds({}), coverage=False)
    states, state = [], stepper.initial()
    for name, args in path:
        state = stepper.apply(state, name, args)
        states.append(state)
    return states


def test_an_election_is_the_timer_and_the_arrival_of_its_request() -> None:
    """The election timer of the candidate fires, and its Vote request is delivered to the voter."""
    driver = Driver(3)
    assert driver.take(("start_election", (0,))) == [Fire(1, "election")]
    (arrival,) = driver.take(("handle_vote_request", (1, REQUEST)))
    assert isinstance(arrival, Redeliver)
    assert driver.nodes()["voted_for"] == (0, 0, None)


def test_a_restart_is_a_crash_and_a_start() -> None:
    """A node goes down with what it keeps, and comes up from its disk."""
    driver = Driver(3)
    assert driver.take(("restart", (2, 0))) == [Crash(3, 0), Restart(3)]


def test_a_voter_that_fails_between_its_writes_has_the_epoch_and_no_vote() -> None:
    """The handling of a Vote request is interrupted after the first write of quorum-state."""
    path: list[Step] = [("start_election", (0,)), ("crash_before_voting", (1, REQUEST, 0))]
    driver = Driver(3)
    assert drive(driver, path, states_along(path)) is None
    interrupted = [choice for choice in driver.choices if isinstance(choice, CrashDuring)]
    assert [choice.after for choice in interrupted] == [1]
    assert (driver.nodes()["epoch"][1], driver.nodes()["voted_for"][1]) == (1, None)


def test_what_the_world_does_not_offer_cannot_be_driven() -> None:
    """A message that was never sent, and a crash that keeps more than there is, are refused with what is missing."""
    with pytest.raises(CannotDrive, match="no message to node 2 stands for VoteRequest"):
        Driver(3).take(("handle_vote_request", (1, REQUEST)))
    with pytest.raises(CannotDrive, match=r"kept must be from 0 \(flushed\) to 0 \(log end\)"):
        Driver(3).take(("restart", (0, 5)))


def test_a_path_that_is_left_is_a_mismatch() -> None:
    """The first state that differs ends the drive: its step, its action and the difference."""
    path: list[Step] = [("start_election", (0,)), ("start_election", (1,))]
    states = states_along(path)
    mismatch = drive(Driver(3), [path[0], ("start_election", (2,))], states)
    assert mismatch is not None
    assert (mismatch.step, mismatch.action) == (2, "start_election")
    assert "epoch[n2]: 1, found 0" in mismatch.because
    assert str(mismatch).startswith("step 2 start_election: ")
