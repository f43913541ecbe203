"""Brokers on a real ensemble in the simulated world: servers, brokers and clients under every fault."""

import pytest
from attrs import evolve

from impl.world.config import WorldConfig
from impl.world.faults import NO_FAULTS, FaultPlan
from impl.world.simulator import Simulator
from tests.impl.kafka_watch import Broken
from tests.impl.kafka_world import brokers_on_ensemble, watched_run


def test_everything_holds_under_every_fault() -> None:
    """Three servers and three brokers crash, pause and are cut off; K1 to K10 hold all the time, and all agree in the end."""
    seen: dict[str, int] = {}
    for seed in range(3):
        simulator, watch = watched_run(seed, brokers_on_ensemble(FaultPlan(), steps=10_000))
        assert simulator.counts["client_crash"] > 0
        for what, count in watch.seen.items():
            seen[what] = seen.get(what, 0) + count
    assert seen["elections"] > 3
    assert {"control requests", "state changes", "leader changes", "ISR expansions", "logs"} <= set(seen)


@pytest.mark.nightly
def test_everything_holds_in_many_runs() -> None:
    """The same in many more runs, and with five servers."""
    for seed in range(100, 400):
        watched_run(seed, brokers_on_ensemble(FaultPlan(), nodes=3 if seed % 3 else 5))


def test_clients_get_their_answers_where_nothing_fails() -> None:
    """Without faults there is one controller, and nearly every operation has a known outcome."""
    simulator, watch = watched_run(1, brokers_on_ensemble(NO_FAULTS, steps=6_000))
    outcomes = [event.type for event in simulator.world.history]
    assert watch.seen["elections"] == 1
    assert outcomes.count("ok") > 30
    assert outcomes.count("info") <= 2


def test_a_bug_of_the_brokers_is_found_in_the_world() -> None:
    """The bug of the world's configuration is in the brokers: the registration of an earlier session is taken for one's own."""
    config = brokers_on_ensemble(FaultPlan(), steps=8_000, bug="KAFKA-1387")

    def hunt() -> None:
        for seed in range(10):
            watched_run(seed, config)

    with pytest.raises(Broken, match="K12"):
        hunt()


def test_a_run_is_determined_by_its_seed() -> None:
    """The same seed twice: choices, history and the last state are the same."""
    config = evolve(brokers_on_ensemble(FaultPlan(), steps=3_000), quiet_time=0, quiet_steps=500)
    assert Simulator(3, config).run().digest == Simulator(3, config).run().digest


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"mode": "kraft", "brokers": 3}, "brokers need mode 'zookeeper'"),
        ({"mode": "zookeeper", "brokers": 3, "sessions": False}, "and sessions"),
        ({"mode": "zookeeper", "brokers": -1}, "0 or more brokers"),
    ],
)
def test_a_world_that_makes_no_sense_is_refused(config: dict[str, object], message: str) -> None:
    """Brokers are clients of an ensemble that has sessions."""
    with pytest.raises(ValueError, match=message):
        WorldConfig(**config)  # type: ignore[arg-type]
