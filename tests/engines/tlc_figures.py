"""What TLC (built from its public source of April 2026) said of the exported modules: pinned, so that every run of the tests compares
the explorer with TLC, and only refreshing the table takes Java.

`LOCKSTEP_TLC=tla2tools.jar pytest tests/engines/test_tlc.py` compares TLC itself with this table; after a change of a spec its
failures show the new rows.
"""

from collections.abc import Mapping

from attrs import frozen

from model.language import Spec
from properties.registry import SPECS as PROTOCOLS
from tests.engines.awkward import AWKWARD
from tests.language.small_forks import FORKS, FORKS_BUG
from tests.language.small_functions import LOGS, ROWS
from tests.language.small_networks import NETWORKS, SETS

SPECS: Mapping[str, Spec] = {
    **PROTOCOLS,
    "awkward": AWKWARD,
    "forks": FORKS,
    "forks with a bug": FORKS_BUG,
    "logs": LOGS,
    "networks": NETWORKS,
    "rows": ROWS,
    "sets": SETS,
}
"""The protocols, and the small specs that together use every construct of the language."""


@frozen
class Figure:
    """A complete run of TLC: distinct and generated states, depth in states, generated states per action."""

    spec: str
    bounds: Mapping[str, int]
    distinct: int
    generated: int
    depth: int
    actions: Mapping[str, int]

    def __str__(self) -> str:
        return f"{self.spec} {','.join(f'{k}={v}' for k, v in self.bounds.items())}".strip()


@frozen
class Violation:
    """A run of TLC on a planted bug: what is violated first, and how many states its trace has."""

    bug: str
    bounds: Mapping[str, int]
    property: str
    states: int

    def __str__(self) -> str:
        return self.bug


FIGURES = (
    Figure(
        "two-phase",
        {"nodes": 3},
        288,
        1146,
        11,
        {
            "receive_prepared": 96,
            "decide_commit": 1,
            "decide_abort": 64,
            "prepare": 156,
            "choose_to_abort": 156,
            "receive_commit": 24,
            "receive_abort": 648,
        },
    ),
    Figure(
        "two-phase",
        {"nodes": 4},
        1568,
        8258,
        14,
        {
            "receive_prepared": 512,
            "decide_commit": 1,
            "decide_abort": 256,
            "prepare": 1120,
            "choose_to_abort": 1120,
            "receive_commit": 64,
            "receive_abort": 5184,
        },
    ),
    Figure(
        "two-phase",
        {"nodes": 5},
        8832,
        58146,
        17,
        {
            "receive_prepared": 2560,
            "decide_commit": 1,
            "decide_abort": 1024,
            "prepare": 7760,
            "choose_to_abort": 7760,
            "receive_commit": 160,
            "receive_abort": 38880,
        },
    ),
    Figure("sets", {}, 1215, 4661, 7, {"sets_vote": 1164, "sets_learn": 370, "sets_two": 3126}),
    Figure("sets", {"stale": 1, "epochs": 1}, 31, 67, 4, {"sets_vote": 30, "sets_learn": 8, "sets_two": 28}),
    Figure(
        "networks",
        {},
        1698,
        6887,
        23,
        {
            "networks_send": 300,
            "networks_relay": 1178,
            "networks_receive": 1356,
            "networks_receive_known": 656,
            "networks_reset": 3396,
        },
    ),
    Figure(
        "networks",
        {"flight": 1},
        4,
        13,
        3,
        {
            "networks_send": 0,
            "networks_relay": 4,
            "networks_receive": 0,
            "networks_receive_known": 0,
            "networks_reset": 8,
        },
    ),
    Figure("forks", {}, 544, 3443, 13, {"forks_time_out": 906, "forks_lead": 720, "forks_look": 1816}),
    Figure("forks with a bug", {}, 972, 7497, 10, {"forks_time_out": 1696, "forks_lead": 2544, "forks_look": 3256}),
    Figure(
        "rows",
        {"epochs": 1},
        1718,
        17239,
        12,
        {"rows_shift": 412, "rows_clear": 2798, "rows_follow": 6872, "rows_elect": 1096, "rows_count": 6060},
    ),
    Figure(
        "logs",
        {"log": 1},
        1041,
        9952,
        10,
        {"logs_append": 860, "logs_truncate": 4164, "logs_copy": 1804, "logs_choose": 2082, "logs_all": 1041},
    ),
    Figure(
        "kraft",
        {"nodes": 2, "epochs": 2, "elections": 2, "log": 2, "values": 1, "restarts": 1, "stale": 0},
        1736,
        5533,
        20,
        {
            "start_election": 290,
            "handle_vote_request": 1710,
            "handle_vote_response": 96,
            "handle_begin_quorum_request": 350,
            "handle_begin_quorum_response": 64,
            "append_leader_change": 150,
            "append_record": 192,
            "append_without_flush": 110,
            "handle_fetch_request": 912,
            "handle_fetch_response": 596,
            "restart": 992,
            "crash_before_voting": 70,
        },
    ),
    Figure(
        "kraft",
        {"nodes": 2, "epochs": 2, "elections": 2, "log": 2, "values": 1, "restarts": 1, "stale": 1},
        2692,
        11005,
        23,
        {
            "start_election": 412,
            "handle_vote_request": 2800,
            "handle_vote_response": 102,
            "handle_begin_quorum_request": 442,
            "handle_begin_quorum_response": 106,
            "append_leader_change": 182,
            "append_record": 308,
            "append_without_flush": 142,
            "handle_fetch_request": 3488,
            "handle_fetch_response": 1502,
            "restart": 1412,
            "crash_before_voting": 108,
        },
    ),
    Figure(
        "kraft",
        {"nodes": 3, "epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 0, "stale": 0},
        778,
        3937,
        16,
        {
            "start_election": 3,
            "handle_vote_request": 1554,
            "handle_vote_response": 12,
            "handle_begin_quorum_request": 198,
            "handle_begin_quorum_response": 0,
            "append_leader_change": 81,
            "append_record": 0,
            "append_without_flush": 0,
            "handle_fetch_request": 1332,
            "handle_fetch_response": 756,
            "restart": 0,
            "crash_before_voting": 0,
        },
    ),
    Figure(
        "kraft",
        {"nodes": 3, "epochs": 1, "elections": 2, "log": 1, "values": 0, "restarts": 0, "stale": 1},
        3283,
        25051,
        18,
        {
            "start_election": 105,
            "handle_vote_request": 9486,
            "handle_vote_response": 342,
            "handle_begin_quorum_request": 708,
            "handle_begin_quorum_response": 0,
            "append_leader_change": 177,
            "append_record": 0,
            "append_without_flush": 0,
            "handle_fetch_request": 9180,
            "handle_fetch_response": 5052,
            "restart": 0,
            "crash_before_voting": 0,
        },
    ),
    Figure(
        "rows",
        {"epochs": 0},
        206,
        2063,
        8,
        {"rows_shift": 0, "rows_clear": 300, "rows_follow": 824, "rows_elect": 114, "rows_count": 824},
    ),
    Figure(
        "kraft",
        {"nodes": 2, "epochs": 1, "elections": 2, "log": 1, "values": 0, "restarts": 1, "stale": 1},
        118,
        409,
        13,
        {
            "start_election": 8,
            "handle_vote_request": 118,
            "handle_vote_response": 4,
            "handle_begin_quorum_request": 14,
            "handle_begin_quorum_response": 0,
            "append_leader_change": 12,
            "append_record": 0,
            "append_without_flush": 6,
            "handle_fetch_request": 92,
            "handle_fetch_response": 60,
            "restart": 92,
            "crash_before_voting": 2,
        },
    ),
    Figure(
        "kraft-live",
        {"nodes": 2, "epochs": 1, "elections": 2, "log": 2, "values": 1, "restarts": 1, "stale": 0},
        216,
        695,
        15,
        {
            "start_election": 4,
            "handle_vote_request": 214,
            "handle_vote_response": 4,
            "handle_begin_quorum_request": 22,
            "handle_begin_quorum_response": 0,
            "append_leader_change": 12,
            "append_record": 34,
            "append_without_flush": 22,
            "handle_fetch_request": 104,
            "handle_fetch_response": 102,
            "restart": 174,
            "crash_before_voting": 2,
        },
    ),
    Figure(
        "zab-core",
        {"nodes": 2, "epochs": 1, "log": 1, "values": 0, "losses": 0, "restarts": 1, "stale": 0},
        1602,
        15351,
        30,
        {
            "propose_epoch": 12,
            "handle_leader_info": 2064,
            "handle_ack_epoch": 12,
            "finish_discovery": 6,
            "adopt_history": 1490,
            "write_current_epoch": 2188,
            "acknowledge_new_leader": 706,
            "handle_new_leader_ack": 2036,
            "start_broadcast": 10,
            "handle_up_to_date": 456,
            "propose": 28,
            "log_proposal": 252,
            "handle_ack": 3360,
            "commit": 28,
            "handle_commit": 394,
            "lose_follower": 1140,
            "return_to_leader": 288,
            "lose_connection": 0,
            "restart": 880,
        },
    ),
    Figure(
        "zab-core",
        {"nodes": 2, "epochs": 2, "log": 1, "values": 0, "losses": 1, "restarts": 0, "stale": 0},
        9509,
        94391,
        40,
        {
            "propose_epoch": 312,
            "handle_leader_info": 10300,
            "handle_ack_epoch": 116,
            "finish_discovery": 58,
            "adopt_history": 8050,
            "write_current_epoch": 14002,
            "acknowledge_new_leader": 4468,
            "handle_new_leader_ack": 14644,
            "start_broadcast": 98,
            "handle_up_to_date": 2414,
            "propose": 204,
            "log_proposal": 1440,
            "handle_ack": 23200,
            "commit": 204,
            "handle_commit": 2204,
            "lose_follower": 8728,
            "return_to_leader": 2192,
            "lose_connection": 1756,
            "restart": 0,
        },
    ),
    Figure(
        "zab",
        {"nodes": 3, "epochs": 2, "log": 2, "txns": 1, "crashes": 1, "partitions": 0, "channel": 6},
        9523,
        19747,
        26,
        {
            "begin": 3,
            "elect": 264,
            "join": 1068,
            "sync_follower": 1332,
            "queue_newleader": 3024,
            "take_in_sync": 3234,
            "handle_newleader": 1518,
            "acknowledge_newleader": 1206,
            "handle_newleader_ack": 1218,
            "handle_uptodate": 1572,
            "propose": 408,
            "handle_proposal": 1260,
            "flush": 162,
            "handle_ack": 822,
            "handle_commit": 1500,
            "crash": 189,
            "lose_connection": 0,
            "leave": 966,
            "step_down": 0,
        },
    ),
    Figure(
        "zookeeper",
        SPECS["zookeeper"].complete_bounds({"sessions": 1, "log": 2}),
        11341,
        38239,
        12,
        {
            "lead": 2,
            "connect": 1896,
            "disconnect": 2452,
            "create": 192,
            "create_sequential": 192,
            "set_data": 192,
            "multi": 96,
            "delete": 96,
            "sync": 2472,
            "execute_late": 80,
            "apply_next": 4656,
            "answer": 2704,
            "read": 15852,
            "receive_event": 1524,
            "expire": 5526,
            "close_session": 178,
            "learn_expired": 128,
        },
    ),
    Figure(
        "zab-async",
        {"nodes": 3, "epochs": 2, "log": 2, "txns": 1, "crashes": 1, "partitions": 0, "channel": 6},
        16348,
        37021,
        28,
        {
            "begin": 3,
            "elect": 465,
            "join": 1758,
            "sync_follower": 2250,
            "queue_newleader": 5136,
            "take_in_sync": 5484,
            "handle_newleader": 2574,
            "acknowledge_newleader": 2034,
            "handle_newleader_ack": 1854,
            "handle_uptodate": 2526,
            "propose": 408,
            "handle_proposal": 2448,
            "flush": 4236,
            "handle_ack": 1458,
            "handle_commit": 1692,
            "crash": 600,
            "lose_connection": 0,
            "leave": 2094,
            "step_down": 0,
        },
    ),
    Figure("awkward", {}, 1371, 6587, 15, {"LET": 922, "ship": 3556, "resign": 1148, "agree": 960}),
)

VIOLATIONS = (
    Violation(
        "M5",
        {"epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 0},
        "committed_entries_are_flushed_on_a_majority",
        5,
    ),
    Violation(
        "M2", {"epochs": 1, "elections": 2, "log": 0, "values": 0, "restarts": 1}, "a_voter_votes_once_per_epoch", 6
    ),
)
