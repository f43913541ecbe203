"""Fault plans for ensembles with sessions: each makes one kind of misfortune frequent, and lets clients work in between."""

from attrs import evolve

from impl.world.faults import NEVER, Episodes, FaultPlan
from tests.impl.ensemble import MS

CRASHES = evolve(
    FaultPlan(),
    delay_max=5 * MS,
    reset=0.005,
    crash=Episodes(every=1_000 * MS, at_most=10_000, shortest=MS, longest=600 * MS),
    pause=NEVER,
    symmetric=NEVER,
    asymmetric=NEVER,
    flapping=NEVER,
    client_pause=NEVER,
    client_cut=NEVER,
)
"""Servers that restart from snapshot and log, again and again."""

STALLS = evolve(
    CRASHES,
    reset=0.001,
    crash=NEVER,
    asymmetric=Episodes(every=600 * MS, at_most=10_000, shortest=400 * MS, longest=1_000 * MS),
)
"""Links that hold messages up for longer than a client waits, and shorter than a learner does."""

PAUSES = evolve(
    CRASHES,
    reset=0.0005,
    crash=NEVER,
    pause=Episodes(every=700 * MS, at_most=10_000, shortest=350 * MS, longest=900 * MS),
    client_cut=Episodes(every=500 * MS, at_most=10_000, shortest=500 * MS, longest=2_000 * MS),
    client_crash=NEVER,
)
"""Servers that sleep for longer than a session lasts, and clients that reach no other."""
