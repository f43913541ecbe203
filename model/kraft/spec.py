"""The spec `kraft`: the explicit list of its variables, actions, rules, and default bounds."""

from model.kraft.append import append_leader_change, append_record, append_without_flush
from model.kraft.begin_quorum import handle_begin_quorum_request, handle_begin_quorum_response
from model.kraft.bugs import BUGS
from model.kraft.election import handle_vote_request, handle_vote_response, start_election
from model.kraft.fetch import handle_fetch_request, handle_fetch_response
from model.kraft.restart import crash_before_voting, restart
from model.kraft.rules import RULES
from model.kraft.state import KRaft
from model.language import make_spec


def init(s: KRaft) -> None:
    """Every voter is unattached in epoch 0 with an empty log: the defaults."""


ACTIONS = (
    start_election,
    handle_vote_request,
    handle_vote_response,
    handle_begin_quorum_request,
    handle_begin_quorum_response,
    append_leader_change,
    append_record,
    append_without_flush,
    handle_fetch_request,
    handle_fetch_response,
    restart,
    crash_before_voting,
)

BOUNDS = {"nodes": 3, "epochs": 2, "log": 2, "values": 1, "elections": 2, "restarts": 1, "stale": 0}

SPEC = make_spec(
    "kraft",
    title="KRaft core: election, pull replication, crash and restart",
    state=KRaft,
    init=init,
    actions=ACTIONS,
    rules=RULES,
    bounds=BOUNDS,
    bugs=BUGS,
)
