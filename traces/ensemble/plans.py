"""Faults and settings under which an ensemble shows what it is made of."""

from attrs import evolve

from impl.world.faults import NEVER, NO_FAULTS, Episodes, FaultPlan
from impl.zookeeper.state import Settings

MS = 1_000

LIVELY = evolve(
    FaultPlan(),
    delay_max=5 * MS,
    reset=0.02,
    crash=Episodes(every=600 * MS, at_most=10_000, shortest=MS, longest=800 * MS),
    pause=Episodes(every=3_000 * MS, at_most=1_000, shortest=10 * MS, longest=2_000 * MS),
    symmetric=Episodes(every=1_500 * MS, at_most=1_000, shortest=300 * MS, longest=2_500 * MS),
    asymmetric=Episodes(every=1_500 * MS, at_most=1_000, shortest=300 * MS, longest=2_500 * MS),
    flapping=Episodes(every=6_000 * MS, at_most=1_000, shortest=300 * MS, longest=2_500 * MS),
)
"""Quick messages, and something always going wrong."""

RESETS = evolve(
    LIVELY,
    reset=0.08,
    crash=Episodes(every=2_000 * MS, at_most=10_000, shortest=MS, longest=800 * MS),
    pause=NEVER,
    symmetric=NEVER,
    asymmetric=NEVER,
    flapping=NEVER,
)
"""Connections that do not last: many synchronisations."""

LAG = Settings(sync_spread=80 * MS)
TIGHT = Settings(ring=2, log_sync=False, sync_spread=60 * MS, snap_count=5)

SLOW = evolve(NO_FAULTS, delay_max=60 * MS)
"""Nothing goes wrong, but some servers hear of a commit much later than others."""

STRUCK = evolve(
    NO_FAULTS,
    delay_max=5 * MS,
    mid_step=1.0,
    crash=Episodes(every=150 * MS, at_most=10_000, shortest=MS, longest=50 * MS),
    symmetric=Episodes(every=1_500 * MS, at_most=10_000, shortest=300 * MS, longest=2_000 * MS),
)
"""Partitions, and power that fails in the middle of steps, again and again."""

PROMPT = Settings(sync_spread=MS)
"""Threads that get to their queues at once: what is late is the network."""
