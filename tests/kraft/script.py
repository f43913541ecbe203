"""Runs of the KRaft spec written by hand: nodes A, B, C act in turn, in the plain reading.

run = Script(nodes=3, epochs=2, ...)
run.elect(A, B)                  # A stands for election and B's vote makes it the leader
run.do("append_leader_change", A)
run.fetch(B)                     # B's Fetch and its answer
"""

from typing import Any

from model.language import Disabled
from model.language.plain import CutStep, Stepper
from tests.kraft.scopes import KRAFT, SAFETY

A, B, C = 0, 1, 2


class Script:
    """A run under way. `s` is its last state, to read."""

    def __init__(self, bug: str | None = None, **bounds: int) -> None:
        spec = KRAFT if bug is None else KRAFT.with_bug(bug)
        self.stepper = Stepper(spec, spec.complete_bounds(bounds))
        self.state = self.stepper.initial()

    @property
    def s(self) -> Any:
        """The last state, thawed."""
        return self.stepper.thaw(self.state)

    def do(self, action: str, *args: Any) -> None:
        """Take a step; Disabled if its guard is false."""
        self.state = self.stepper.apply(self.state, action, args)

    def can(self, action: str, *args: Any) -> bool:
        """Whether the step is enabled within bounds."""
        try:
            self.stepper.apply(self.state, action, args)
        except (Disabled, CutStep):
            return False
        return True

    def message(self, network: str, **fields: Any) -> Any:
        """The one message of a network that has these fields."""
        found = [
            m
            for m in getattr(self.s, network).items
            if all(getattr(m, name) == value for name, value in fields.items())
        ]
        assert len(found) == 1, f"{network} with {fields}: {found}"
        return found[0]

    def broken(self) -> list[str]:
        """The invariants that are false in the last state."""
        view = self.s
        return [p.name for p in SAFETY if p.kind == "always" and not self.stepper.holds_in(p, view)]

    # ---- exchanges
    def ask(self, candidate: int, voter: int) -> None:
        """A voter answers a candidate's last Vote request, and the candidate handles the answer."""
        self.do("handle_vote_request", voter, self.message("vote_requests", candidate=candidate))
        self.do("handle_vote_response", self.message("vote_responses", candidate=candidate, voter=voter))

    def elect(self, candidate: int, *voters: int) -> None:
        """A node stands for election and these voters make it the leader."""
        self.do("start_election", candidate)
        for voter in voters:
            self.ask(candidate, voter)
        assert self.s.role[candidate] == "LEADER"

    def follow(self, node: int, leader: int) -> None:
        """A node learns from BeginQuorumEpoch who leads."""
        self.do("handle_begin_quorum_request", node, self.message("begin_requests", leader=leader))

    def request(self, follower: int) -> None:
        """The leader handles a follower's Fetch."""
        self.do("handle_fetch_request", self.message("fetch_requests", follower=follower))

    def response(self, follower: int) -> None:
        """A follower handles the answer to its Fetch."""
        self.do("handle_fetch_response", self.message("fetch_responses", follower=follower))

    def fetch(self, follower: int) -> None:
        """A follower fetches: request and response."""
        self.request(follower)
        self.response(follower)

    def log(self, node: int) -> list[tuple[int, int]]:
        """A node's log: (epoch, value) of each entry."""
        return [tuple(entry) for entry in self.s.log[node].items]
