"""The spec `zab-core`: the core of Zab with its history."""

from model.language import make_spec
from model.zab_core.bugs import BUGS
from model.zab_core.ghosts import ACTIONS, ZabCoreHistory
from model.zab_core.rules import RULES


def init(s: ZabCoreHistory) -> None:
    """Every server is looking for a leader, in epoch 0 with an empty history: the defaults."""


# Two servers, because the explorer visits every state of it in a second or two; three, with fewer failures, are in `tests/prove`.
BOUNDS = {"nodes": 2, "epochs": 2, "log": 2, "values": 0, "losses": 1, "restarts": 1, "stale": 0}

SPEC = make_spec(
    "zab-core",
    title="Zab core for proofs: discovery, synchronisation, broadcast",
    state=ZabCoreHistory,
    init=init,
    actions=ACTIONS,
    rules=RULES,
    bounds=BOUNDS,
    bugs=BUGS,
)
