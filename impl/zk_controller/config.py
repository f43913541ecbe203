"""What does not change while a broker lives. Times in microseconds."""

from attrs import frozen

from impl.zk_controller.rules import Rules

SECOND = 1_000_000


@frozen
class Settings:
    """What an operator configures; Kafka's defaults, with its name for it, unless said.

    alter_partition     leaders ask the controller for another ISR (inter.broker.protocol.version 2.7 or later); else they
                        write the state znode themselves, and tell the controller by a notification
    min_insync          min.insync.replicas
    unclean             unclean.leader.election.enable
    replica_lag         replica.lag.time.max.ms (10 s here, 30 s there: runs are short)
    fetch_wait          how long a follower that is up to date waits before it fetches again (there the leader waits,
                        up to replica.fetch.wait.max.ms)
    request_timeout     how long a request between brokers may take before it is sent again (30 s there: here nothing
                        tells of a connection that is gone)
    retry_backoff       between two tries (100 ms for control requests, as there)
    rebalance_delay     auto.leader.rebalance.enable: how long after an election of a controller, and then how often, leaders
                        are looked at (there 5 s and then 300 s); 0: never
    imbalance           leader.imbalance.per.broker.percentage
    shutdown_backoff    controlled.shutdown.retry.backoff.ms; `shutdown_retries` is controlled.shutdown.max.retries
    isr_propagation     isr-change-propagation: legacy notifications are collected that long
    """

    alter_partition: bool = True
    min_insync: int = 1
    unclean: bool = False
    replica_lag: int = 10 * SECOND
    fetch_wait: int = SECOND // 2
    request_timeout: int = SECOND
    retry_backoff: int = SECOND // 10
    rebalance_delay: int = 5 * SECOND
    imbalance: int = 10
    shutdown_backoff: int = 5 * SECOND
    shutdown_retries: int = 3
    isr_propagation: int = 5 * SECOND // 2


@frozen
class Config:
    """Who this broker is. `brokers` are all that there can be, which are also the addresses of their processes."""

    broker: int
    brokers: tuple[int, ...]
    settings: Settings = Settings()
    rules: Rules = Rules()
