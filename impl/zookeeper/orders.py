"""The orders in which the releases handled NEWLEADER in the learner (Learner.syncWithLeader), as a table.

| order | releases                                             | what it got wrong                          |
|-------|------------------------------------------------------|--------------------------------------------|
| V0    | 3.4.0-3.4.9, 3.5.0-3.5.2                             | slow: a snapshot for every synchronisation |
| V1    | 3.4.10+, 3.5.3-3.5.9, 3.6.0-3.6.2                    | ZOOKEEPER-3911                             |
| V2    | 3.5.10, 3.6.3, 3.7.0-3.8.4, 3.9.0-3.9.1              | ZOOKEEPER-3023, 4643, 4646, 4685           |
| V3    | 3.8.5, 3.9.2                                         | ZOOKEEPER-4394                             |
| V4    | 3.9.3                                                | ZOOKEEPER-4925                             |
| V5    | 3.9.4                                                |                                            |
"""

from enum import Enum

from attrs import frozen


class Do(Enum):
    """One step of a learner at NEWLEADER."""

    SNAPSHOT = "take a snapshot, if one is needed"
    EPOCH = "make currentEpoch durable"
    QUEUE_ALL = "start the pipeline and queue all proposals to the sync thread"
    LOG_ALL = "append all proposals and flush; they are acknowledged after UPTODATE"
    LOG_COMMITTED = "append and apply the committed proposals, and flush"
    ACK = "acknowledge NEWLEADER"


@frozen
class Order:
    """The steps, in order. `always_snapshot`: DIFF needs a snapshot too. `feeds_ring`: what is applied in the
    synchronisation enters committedLog; `continuous`: a gap between proposals breaks the connection (3.9.4).
    """

    name: str
    steps: tuple[Do, ...]
    always_snapshot: bool = False
    feeds_ring: bool = True
    continuous: bool = False


_ORDERS = (
    Order("V0", (Do.SNAPSHOT, Do.EPOCH, Do.ACK), always_snapshot=True),
    Order("V1", (Do.SNAPSHOT, Do.EPOCH, Do.ACK)),
    Order("V2", (Do.SNAPSHOT, Do.EPOCH, Do.QUEUE_ALL, Do.ACK)),
    Order("V3", (Do.SNAPSHOT, Do.LOG_ALL, Do.EPOCH, Do.ACK)),
    Order("V4", (Do.SNAPSHOT, Do.LOG_COMMITTED, Do.EPOCH, Do.ACK), feeds_ring=False),
    Order("V5", (Do.SNAPSHOT, Do.LOG_COMMITTED, Do.EPOCH, Do.ACK), continuous=True),
)

ORDERS: dict[str, Order] = {order.name: order for order in _ORDERS}
"""The orders by name."""
