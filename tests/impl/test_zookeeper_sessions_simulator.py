"""Sessions in the simulator: every fault, clients that do anything, and what ZooKeeper promises them checked after each step."""

import pytest
from attrs import evolve

from impl.world.config import WorldConfig
from impl.world.faults import NO_FAULTS, FaultPlan
from impl.world.run import replay
from impl.world.self_check import self_check
from impl.world.simulator import SimulationConfig, Simulator
from impl.zookeeper import client_port
from impl.zookeeper.client_messages import ConnectRequest
from impl.zookeeper.service_state import Connection
from impl.zookeeper.state import Settings
from impl.zookeeper.turn import Turn
from tests.impl.ensemble import LAG, RESETS
from tests.impl.service_watch import ServiceWatch
from tests.impl.session_applications import Anything
from tests.impl.session_plans import CRASHES, STALLS

MOVED = "requests of a session that has moved are refused"


def sessions(
    faults: FaultPlan,
    *,
    steps: int = 3_000,
    settings: Settings | None = None,
    bug: str | None = None,
    nodes: int = 3,
    timeout: int = 1_000,
) -> SimulationConfig:
    """Three clients that do anything."""
    world = WorldConfig(
        nodes=nodes, clients=0, bug=bug, mode="zookeeper", session_timeout=timeout, applications=(Anything(),) * 3,
        ensemble=settings or Settings(),
    )  # fmt: skip
    return SimulationConfig(world, faults=faults, steps=steps, quiet_steps=300)


def hunt(config: SimulationConfig, check: str, seeds: int) -> int | None:
    """The first seed for which the watch finds something in this check."""
    for seed in range(seeds):
        watch = ServiceWatch()
        for _ in Simulator(seed, config, observers=[watch]).steps():
            if check in watch.found():
                return seed
    return None


@pytest.mark.parametrize(
    ("seeds", "config", "reached"),
    [
        pytest.param(range(4), sessions(FaultPlan(), steps=5_000), ["sessions closed"], id="default faults"),
        pytest.param(range(4), sessions(CRASHES), ["sessions closed"], id="crashes"),
        pytest.param(range(3), sessions(STALLS, timeout=600), [MOVED], id="stalls"),
        pytest.param(range(5), sessions(RESETS, settings=LAG, steps=6_000), [], id="resets, slow threads"),
        pytest.param(range(2), sessions(FaultPlan(), nodes=5), [], id="5 servers"),
    ],
)
def test_every_fault_and_no_broken_promise(seeds: range, config: SimulationConfig, reached: list[str]) -> None:
    """Ephemerals die with their session, equal zxids have equal trees, sessions never go back, events come first."""
    covered: dict[str, int] = {}
    for seed in seeds:
        watch = ServiceWatch()
        Simulator(seed, config, observers=[watch]).run()
        assert [finding for finding in watch.findings if finding[0] != "incident"] == [], f"seed {seed}"
        for check, times in watch.covered.items():
            covered[check] = covered.get(check, 0) + times
    assert covered["sessions opened"] > len(seeds)
    assert covered["sessions resumed"] > len(seeds)
    assert covered["events"] > len(seeds)
    for check in reached:
        assert covered[check] > len(seeds)
    assert covered["a change is told before what shows it"] > 10 * len(seeds)
    assert covered["an ephemeral exists only while its session does"] > 10 * len(seeds)


def test_a_client_that_has_seen_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the look at lastZxidSeen a session goes back in time when it moves to a server that lags."""
    honest = client_port._on_connect

    def blind(turn: Turn, connection: Connection, message: ConnectRequest) -> None:
        honest(turn, connection, evolve(message, last_zxid_seen=0))

    monkeypatch.setattr(client_port, "_on_connect", blind)
    assert hunt(sessions(RESETS, settings=LAG), "a session never goes back", 10) is not None


def test_the_workload_has_sessions() -> None:
    """Operations on topics through sessions: all end, without faults each is known, and versions are the znodes'."""
    for faults, unknown in ((NO_FAULTS, False), (FaultPlan(), True)):
        config = SimulationConfig(WorldConfig(clients=3, mode="zookeeper"), faults=faults, steps=1_500)
        simulator = Simulator(3, config)
        run = simulator.run()
        types = {event.type for event in run.history}
        assert run.finished
        assert types == ({"invoke", "ok", "fail", "info"} if unknown else {"invoke", "ok", "fail"})
        open_operations: dict[int, bool] = {}
        for event in run.history:
            assert open_operations.get(event.process, False) is (event.type != "invoke")
            open_operations[event.process] = event.type == "invoke"
        assert len(run.history) > 200


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Two runs side by side, the state of every server and process compared after every step; and a replay by choices."""
    config = evolve(sessions(FaultPlan(), steps=250), quiet_steps=50)
    assert self_check(3, config) is None
    simulator = Simulator(3, config)
    run = simulator.run()
    assert replay(config.world, run.choices).digest() == simulator.world.digest()


def test_reads_of_an_old_tree_are_found() -> None:
    """A server that reads from its newest snapshot says a later zxid than it shows: the watch is armed for what is past."""
    check = "a change is told before what shows it"
    assert hunt(sessions(CRASHES, bug="READ-SNAPSHOT"), check, 5) is not None
