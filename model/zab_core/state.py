"""The core of Zab as ZooKeeper implements it: sorts, messages and protocol state.

What is left of Zab here is what its safety rests on: the two epochs of a server, its history, discovery, synchronisation and broadcast.
Any server may try to lead at any time: what fast leader election decides matters for progress only. A history is durable as soon as
it is written (`SyncRequestProcessor` flushes before it acknowledges).

Two kinds of network. What servers tell each other once is a message in a set that only grows: it may arrive late, twice, out of order or
never. The transactions that a leader sends, its initial history and then its proposals, go through `sent[epoch]`, in order: a follower's
history grows along it, so what it has received is a prefix, as on a TCP channel (DIFF, TRUNC and SNAP first, then PROPOSALs). A channel
that breaks is a follower that goes no further. Every order of arrival that FIFO channels allow is one of these: they deliver
messages of the sets no earlier than sent, and transactions in the order of `sent`; where the order between the two kinds matters
(NEWLEADER comes after the history, COMMIT after its PROPOSAL), the guard of the action names what has to be there.

The ACKs of proposals are cumulative: what a follower has acknowledged in an epoch ends at `acknowledged[n, epoch]`, and each of them may
arrive, late or twice. They are no grow-only set because they end with their connection: when a follower comes back to its leader
within the epoch, the leader may cut it to what is committed, and then the old ACKs must not count (`return_to_leader`).

A zxid is (epoch, counter). Here the counter is the place in the history: it goes on where ZooKeeper's starts again in each
epoch. Within an epoch both count upwards one by one, across epochs the epoch decides, so the order is the same; and a place
identifies a transaction of an epoch as ZooKeeper's counter does.
"""

from model.language import Bool, Enum, Fn, Messages, Node, Ordinal, Record, Seq, State, Var, member


class Epoch(Ordinal, bound="epochs"):
    """An epoch: 0 is before the first leader."""


class Index(Ordinal, bound="log"):
    """A place in a history, 1 .. length: the counter of a zxid; also an end: how many transactions there are before it."""


class Value(Ordinal, bound="values"):
    """The payload of a transaction."""


class Losses(Ordinal, bound="losses"):
    """How many times a server has lost its leader, or a leader its quorum."""


class Restarts(Ordinal, bound="restarts"):
    """How many crashes there have been."""


class Role(Enum):
    """What a server does (ServerState); observers are not in the core."""

    LOOKING = member()
    FOLLOWING = member()
    LEADING = member()


class Phase(Enum):
    """How far a server is with its leader or followers (ZabState)."""

    ELECTION = member()
    DISCOVERY = member()
    SYNCHRONIZATION = member()
    BROADCAST = member()


class Txn(Record):
    """A transaction: the epoch in which its leader proposed it, and its payload. Its zxid is (epoch, place in the history)."""

    epoch: Epoch
    value: Value


class LeaderInfo(Record):
    """LEADERINFO (NEWEPOCH in the paper): a leader proposes an epoch."""

    leader: Node
    epoch: Epoch


class AckEpoch(Record):
    """ACKEPOCH: a follower promises a leader its epoch, naming its current epoch and the zxid (last_epoch, end) of its last transaction."""

    follower: Node
    leader: Node
    epoch: Epoch
    current: Epoch
    last_epoch: Epoch
    end: Index


class NewLeader(Record):
    """NEWLEADER: the leader of an epoch has sent its initial history, which ends at `end`."""

    epoch: Epoch
    end: Index


class AckNewLeader(Record):
    """The ACK of NEWLEADER (ACKLD in the TLA+ specifications): the follower has the initial history and the epoch on its disk."""

    follower: Node
    epoch: Epoch


class UpToDate(Record):
    """UPTODATE: a quorum has the initial history, which ends at `end`; it is committed (COMMIT-LD in the paper)."""

    epoch: Epoch
    end: Index


class Commit(Record):
    """COMMIT, by zxid: the epoch's history up to `end` is committed."""

    epoch: Epoch
    end: Index


class ZabCore(State):
    """The voting servers of one ensemble."""

    # durable
    accepted_epoch = Fn(Node, Epoch)  # the largest epoch promised
    current_epoch = Fn(Node, Epoch)  # the epoch whose initial history was adopted last
    history = Fn(Node, Seq[Txn, Index])
    # volatile
    role = Fn(Node, Role)
    phase = Fn(Node, Phase)
    last_committed = Fn(Node, Index)  # what is delivered ends here
    keep_end = Fn(
        Node, Index
    )  # up to here a server keeps its history whatever its leader sends: all of it, or less when it returns
    promised_by = Fn(Node, Node, Bool)  # leader, server: electingFollowers
    synced_by = Fn(Node, Node, Bool)  # leader, server: acknowledged NEWLEADER
    acked_end = Fn(Node, Node, Index)  # leader, server: acknowledged proposals up to here
    committed_end = Fn(Node, Index)  # leader: Leader.lastCommitted
    # network
    sent = Fn(Epoch, Seq[Txn, Index])  # what the leader of the epoch sends its followers, in order
    acknowledged = Fn(Node, Epoch, Index)  # ACKs of the epoch that may arrive: of all ends up to here
    leader_infos = Messages(LeaderInfo, newest=("leader",))
    ack_epochs = Messages(AckEpoch, newest=("follower",))
    new_leaders = Messages(NewLeader, newest=("epoch",))
    new_leader_acks = Messages(AckNewLeader, newest=("follower",))
    up_to_dates = Messages(UpToDate, newest=("epoch",))
    commits = Messages(Commit, newest=("epoch",))
    # counters, for bounds
    aux_losses = Var(Losses)
    aux_restarts = Var(Restarts)


__all__ = [
    "AckEpoch",
    "AckNewLeader",
    "Commit",
    "Epoch",
    "Index",
    "LeaderInfo",
    "Losses",
    "NewLeader",
    "Phase",
    "Restarts",
    "Role",
    "Txn",
    "UpToDate",
    "Value",
    "ZabCore",
]
