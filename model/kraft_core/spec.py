"""The spec `kraft-core`: the core of KRaft with its history."""

from model.kraft_core.bugs import BUGS
from model.kraft_core.ghosts import ACTIONS, KRaftCoreHistory
from model.kraft_core.rules import RULES
from model.language import make_spec


def init(s: KRaftCoreHistory) -> None:
    """Every voter is unattached in epoch 0 with an empty log: the defaults."""


BOUNDS = {"nodes": 3, "epochs": 2, "log": 2, "values": 1, "elections": 2, "restarts": 1, "stale": 0}

SPEC = make_spec(
    "kraft-core",
    title="KRaft core for proofs: election, pull replication, high watermark",
    state=KRaftCoreHistory,
    init=init,
    actions=ACTIONS,
    rules=RULES,
    bounds=BOUNDS,
    bugs=BUGS,
)
