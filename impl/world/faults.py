"""Fault plans: which faults a simulation draws, how often, how many at most, and how long they last.

All times in microseconds.
"""

from attrs import evolve, fields, frozen


@frozen
class Episodes:
    """One kind of fault that begins and ends.

    `every` is the mean time between two beginnings (drawn from half to one and a half of it; 0: never), `at_most` how
    many there are in a run, and each lasts from `shortest` to `longest`.
    """

    every: int = 0
    at_most: int = 0
    shortest: int = 0
    longest: int = 0

    def __attrs_post_init__(self) -> None:
        for attribute in fields(Episodes):
            if getattr(self, attribute.name) < 0:
                raise ValueError(
                    f"episodes: {attribute.name} must not be negative, found {getattr(self, attribute.name)}"
                )
        if self.longest < self.shortest:
            raise ValueError(f"episodes: longest {self.longest} is below shortest {self.shortest}")


NEVER = Episodes()


@frozen
class FaultPlan:
    """What goes wrong in a simulation; every kind is counted, and bounded.

    Network: each message takes `delay_min` to `delay_max`; with probability `reordering` up to `reordering_delay` more,
    so that later messages overtake it; with probability `loss` it never arrives (at most `losses`); with probability
    `duplication` a copy arrives later (at most `duplicates`; never of a client's message). On a
    TCP connection nothing is lost, copied or overtaken alone: with probability `reset` per message the connection
    breaks (at most `resets`). Nodes: `crash` (power loss
    with any part of the unflushed log; the episode is the time until the restart), with probability `mid_step` in the
    middle of the next step of the node; `pause`. Links: `symmetric` (two groups that cannot talk), `asymmetric` (some
    directions of the links of one node), `flapping` (the links of one node come and go with `flap_period`). Clocks:
    each node's timers run faster or slower by up to `drift` (a fraction), and fire up to `jitter` late. Processes
    beside the nodes (clients with sessions, applications): `client_crash`, `client_pause`, and `client_cut` (one of them
    is cut off from servers).
    """

    delay_min: int = 500
    delay_max: int = 10_000
    reordering: float = 0.02
    reordering_delay: int = 200_000
    loss: float = 0.01
    losses: int = 10_000
    reset: float = 0.002
    resets: int = 10_000
    duplication: float = 0.01
    duplicates: int = 10_000
    crash: Episodes = Episodes(every=3_000_000, at_most=1_000, shortest=10_000, longest=5_000_000)
    mid_step: float = 0.5
    pause: Episodes = Episodes(every=6_000_000, at_most=1_000, shortest=10_000, longest=4_000_000)
    symmetric: Episodes = Episodes(every=8_000_000, at_most=1_000, shortest=100_000, longest=5_000_000)
    asymmetric: Episodes = Episodes(every=8_000_000, at_most=1_000, shortest=100_000, longest=5_000_000)
    flapping: Episodes = Episodes(every=12_000_000, at_most=1_000, shortest=500_000, longest=6_000_000)
    flap_period: int = 300_000
    client_crash: Episodes = Episodes(every=4_000_000, at_most=1_000, shortest=10_000, longest=4_000_000)
    client_pause: Episodes = Episodes(every=4_000_000, at_most=1_000, shortest=10_000, longest=3_000_000)
    client_cut: Episodes = Episodes(every=4_000_000, at_most=1_000, shortest=10_000, longest=3_000_000)
    drift: float = 0.05
    jitter: int = 2_000

    def __attrs_post_init__(self) -> None:
        for name in ("reordering", "loss", "reset", "duplication", "mid_step", "drift"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"fault plan: {name} is a fraction from 0 to 1, found {getattr(self, name)}")
        if not 0 <= self.delay_min <= self.delay_max:
            raise ValueError(f"fault plan: 0 <= delay_min <= delay_max, found {self.delay_min} and {self.delay_max}")
        if self.flap_period <= 0:
            raise ValueError(f"fault plan: flap_period must be positive, found {self.flap_period}")

    @property
    def episodes(self) -> dict[str, Episodes]:
        """The kinds of faults that begin and end, by name."""
        return {
            "crash": self.crash,
            "pause": self.pause,
            "symmetric": self.symmetric,
            "asymmetric": self.asymmetric,
            "flapping": self.flapping,
        }

    @property
    def client_episodes(self) -> dict[str, Episodes]:
        """Those of the processes beside the nodes, by name."""
        return {"client_crash": self.client_crash, "client_pause": self.client_pause, "client_cut": self.client_cut}


NO_FAULTS = FaultPlan(
    reordering=0.0,
    loss=0.0,
    reset=0.0,
    duplication=0.0,
    crash=NEVER,
    pause=NEVER,
    symmetric=NEVER,
    asymmetric=NEVER,
    flapping=NEVER,
    client_crash=NEVER,
    client_pause=NEVER,
    client_cut=NEVER,
    drift=0.0,
    jitter=0,
)
"""A calm day: delays, and nothing else."""

STORM = FaultPlan(
    delay_min=500,
    delay_max=100_000,
    reordering=0.0,
    loss=0.1,
    reset=0.01,
    crash=Episodes(every=700_000, at_most=10_000, shortest=1_000, longest=3_000_000),
    mid_step=0.7,
    pause=NEVER,
    symmetric=NEVER,
    asymmetric=Episodes(every=500_000, at_most=10_000, shortest=100_000, longest=3_000_000),
    flapping=NEVER,
    drift=0.3,
)
"""Little gets done between two faults: many elections, few commits. Finds what needs an unlucky succession of leaders."""

CHURN = evolve(
    STORM,
    delay_max=300_000,
    crash=Episodes(every=400_000, at_most=10_000, shortest=1_000, longest=400_000),
)
"""Slow messages and quick restarts: crashes fall between a vote and what it leads to."""
