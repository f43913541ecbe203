"""What a world is made of: nodes, clients, timeouts, a bug perhaps, and how many faults are on offer."""

from attrs import frozen

from impl.kraft.state import Timings
from impl.world.applications import Application
from impl.world.clients import FIRST_CLIENT, ClientTimings
from impl.zk_controller.config import SECOND
from impl.zk_controller.config import Settings as BrokerSettings
from impl.zookeeper.service import Service
from impl.zookeeper.state import Settings

BROKER_SETTINGS = BrokerSettings(
    replica_lag=2 * SECOND,
    fetch_wait=SECOND // 4,
    request_timeout=SECOND // 2,
    retry_backoff=SECOND // 20,
    rebalance_delay=2 * SECOND,
    shutdown_backoff=SECOND // 2,
    isr_propagation=SECOND // 2,
)
"""Everything faster than in Kafka: the sessions of the world's clients are short, and so are its runs."""


@frozen
class FaultBudget:
    """How many choices of a kind `choices()` offers in the life of a world;

    None: no bound. `apply()` does not look at it.
    """

    drops: int | None = None
    duplicates: int | None = None
    crashes: int | None = None
    pauses: int | None = None
    cuts: int | None = None
    client_ops: int | None = None


@frozen
class WorldConfig:
    """A cluster: how many nodes (voters, numbered from 1) and clients (addresses from 101), and the bug it has, by id.

    `mode` names the system (`systems.SYSTEMS`); `timings` are those of KRaft, `ensemble` the settings of ZooKeeper. There,
    `sessions` says whether the clients have sessions, if the ensemble replicates a `Service`; else it is bare, and answers
    whoever asks. They have `session_timeout` in ms; `applications` run beside them, at the addresses after those of the clients.
    With `brokers`, so many brokers of Kafka run on the ensemble, between the two, and it is them whom the clients ask.
    """

    nodes: int = 3
    clients: int = 1
    bug: str | None = None
    timings: Timings = Timings()
    client_timings: ClientTimings = ClientTimings()
    budget: FaultBudget = FaultBudget()
    mode: str = "kraft"
    ensemble: Settings = Settings()
    sessions: bool = True
    session_timeout: int = 3_000
    applications: tuple[Application, ...] = ()
    brokers: int = 0
    broker_settings: BrokerSettings = BROKER_SETTINGS

    @property
    def voters(self) -> tuple[int, ...]:
        """The ids of the nodes, in ascending order."""
        return tuple(range(1, self.nodes + 1))

    @property
    def has_sessions(self) -> bool:
        """Whether the clients have sessions: the ensemble must replicate the service's tree, which knows them."""
        return self.sessions and self.mode == "zookeeper" and isinstance(self.ensemble.machine, Service)

    @property
    def client_addresses(self) -> tuple[int, ...]:
        """The addresses of the clients, in ascending order."""
        return tuple(FIRST_CLIENT + index for index in range(self.clients))

    @property
    def application_addresses(self) -> tuple[int, ...]:
        """The addresses of the applications, in their order."""
        first = FIRST_CLIENT + self.clients + self.brokers
        return tuple(first + index for index in range(len(self.applications)))

    @property
    def broker_addresses(self) -> tuple[int, ...]:
        """The addresses of Kafka's brokers, which are their ids too."""
        return tuple(FIRST_CLIENT + self.clients + index for index in range(self.brokers))

    def __attrs_post_init__(self) -> None:
        if self.brokers < 0:
            raise ValueError(f"a world has 0 or more brokers, not {self.brokers}")
        if self.brokers and not self.has_sessions:
            raise ValueError("brokers need mode 'zookeeper', an ensemble that replicates a Service, and sessions")
        if self.applications and self.mode != "zookeeper":
            raise ValueError(f"a world of mode {self.mode!r} has no applications: they are clients of an ensemble")
        if not 1 <= self.nodes < FIRST_CLIENT:
            raise ValueError(f"a world has 1 to {FIRST_CLIENT - 1} nodes, not {self.nodes}")
        if self.clients < 0:
            raise ValueError(f"a world has 0 or more clients, not {self.clients}")
