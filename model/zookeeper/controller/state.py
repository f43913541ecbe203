"""Kafka on ZooKeeper: sorts, requests and state.

After Apache Kafka 3.9 in ZooKeeper mode (KafkaController, KafkaZkClient, ZooKeeperClient, PartitionStateMachine, ReplicaStateMachine,
ReplicaManager, Partition). A `Node` is a broker, and each may become the controller. docs/zk-controller.md says what is assumed of
ZooKeeper and which property of the spec `zookeeper` justifies it.

How it is cut down:

* ZooKeeper is one linearizable store of the znodes that matter. A write takes effect and is answered in one step, unless its reply is lost.
  A watch is a flag "event pending"; the event says nothing about the data, which is read when it is handled (KAFKA-5879).
* There is one topic with one partition. What a write of its state znode has put there never changes, so caches and requests carry the
  number of the write. The numbers go on when a topic is created again; a version of Kafka's starts anew there, and so do the leader epochs.
* The value of /controller_epoch and its version are the same number: it is created with 0 and every write adds 1.
* To read a state znode and to write it under the version that was read is one step: in between nothing can change that does not make the
  write fail, and a write that fails is tried again. Every other round trip of a controller is a step of its own.
* The order of an assignment is not modelled: where Kafka takes the first suitable replica, any suitable one may be taken.
* A broker's queue of events is a set of pending kinds; the one that is handled runs to its end before the next begins.
"""

from model.language import Bool, Enum, Fn, Node, Option, Ordinal, Record, Seq, State, Var, member


class Session(Ordinal, bound="sessions"):
    """A broker's sessions with ZooKeeper, in their order; 0 is none."""


class ControllerEpoch(Ordinal, bound="elections"):
    """The value of /controller_epoch, and its version: 0 before the first controller."""


class BrokerEpoch(Ordinal, bound="registrations"):
    """The czxid of a broker's znode, counted in registrations; 0 is none."""


class Write(Ordinal, bound="writes"):
    """A write of the partition's state znode, in their order: its version; 0 is no znode."""


class LeaderEpoch(Ordinal, bound="writes"):
    """A leader epoch; one more than Kafka's, 0 is none."""


class Offset(Ordinal, bound="records"):
    """A place in a log, 1 .. length; also an end offset or a high watermark: how many records come before it."""


class Value(Ordinal, bound="records"):
    """What a record says: records are numbered as they are produced; 0 is none."""


class Position(Ordinal, bound="queue"):
    """A place in the queue of requests from a controller to a broker."""


class Incidents(Ordinal, bound="incidents"):
    """How much has happened: crashes, expiries, lost replies, and what operators do, all together."""


class Expiries(Ordinal, bound="expiries"):
    """How many sessions of running brokers have expired."""


class Lingering(Ordinal, bound="lingering"):
    """How many sessions have expired whose ephemeral znodes stayed for some time."""


class Restarts(Ordinal, bound="restarts"):
    """How many brokers have crashed."""


class Losses(Ordinal, bound="losses"):
    """How many replies of ZooKeeper to writes have got lost with a connection."""


class Removals(Ordinal, bound="removals"):
    """How often an operator has deleted /controller."""


class Disks(Ordinal, bound="disks"):
    """How many brokers have lost their disks."""


class Preferred(Ordinal, bound="preferred"):
    """How many elections of a preferred leader there have been."""


class Shutdowns(Ordinal, bound="shutdowns"):
    """How many brokers have been told to shut down."""


class Deletions(Ordinal, bound="deletions"):
    """How often the deletion of the topic has been requested."""


class Reassignments(Ordinal, bound="reassignments"):
    """How many reassignments have been requested."""


class Move(Enum):
    """How far a controller is with a reassignment."""

    NONE = member()
    CHECK = member()  # it is to be gone on with
    LEAVE = member()  # the target is in sync and has been told; the others leave (B3, B4, B5)
    WRITE = member()  # the topic znode is to be written (B6)


class TopicId(Ordinal, bound="creations"):
    """A topic id: how many topics of this name have been created; 0 is none."""


class Removal(Enum):
    """How far a controller is with the deletion of a replica."""

    NONE = member()
    STARTED = member()  # ReplicaDeletionStarted
    SUCCESSFUL = member()  # ReplicaDeletionSuccessful
    INELIGIBLE = member()  # ReplicaDeletionIneligible


class Completion(Enum):
    """What a controller removes next, when all replicas of the topic are deleted. TopicDeletionManager.completeDeleteTopic."""

    NONE = member()
    TOPIC = member()  # /brokers/topics/t, with all below
    CONFIG = member()  # /config/topics/t
    REQUEST = member()  # /admin/delete_topics/t


class SessionState(Enum):
    """What ZooKeeper knows of a session."""

    UNUSED = member()
    OPEN = member()
    CLOSING = member()  # expired, refused from now on; its znodes are still there
    CLOSED = member()


class Stage(Enum):
    """How far a controller is."""

    NONE = member()  # no controller
    ELECTED = member()
    BROKERS_READ = member()  # knows the live brokers, watches /brokers/ids
    STARTING = member()  # has read everything, starts its state machines
    SERVING = member()


class Strategy(Enum):
    """The election of a leader that a controller owes."""

    NONE = member()
    OFFLINE = member()  # from the replicas that are live and in sync; only these stay in the ISR
    PREFERRED = member()  # the same, when there is a leader: another takes its place, and the ISR stays
    REASSIGN = member()  # another takes the leader's place, since that is not one of the target; the ISR stays
    SHUTDOWN = member()  # brokers that shut down leave the ISR


class Kind(Enum):
    """A controller's requests to brokers."""

    LEADER_AND_ISR = member()
    UPDATE_METADATA = member()
    STOP_REPLICA = member()
    DELETE_REPLICA = member()  # StopReplica with deletePartition
    FORGET_TOPIC = member()  # UpdateMetadata with the leader -2, LeaderDuringDelete


class Entry(Record):
    """A record in a log: the leader epoch in which it was appended, and what it says."""

    epoch: LeaderEpoch
    value: Value


class Request(Record):
    """A request of a controller: the state it tells of, and the epochs of its sender and of the broker that it is meant for."""

    kind: Kind
    write: Write
    controller_epoch: ControllerEpoch
    broker_epoch: BrokerEpoch


class Kafka(State):
    """Brokers and controllers, and what they keep in ZooKeeper."""

    # ZooKeeper
    session_state = Fn(Node, Session, SessionState)
    registered = Fn(Node, BrokerEpoch)  # /brokers/ids/n, its czxid; 0: no such znode
    registered_by = Fn(Node, Session)  # its ephemeralOwner
    czxid = Var(BrokerEpoch)  # of the last registration
    controller = Var(Option[Node])  # /controller
    controller_session = Var(Session)  # its ephemeralOwner
    controller_epoch = Var(ControllerEpoch)
    topic_id = Var(TopicId)  # /brokers/topics/t; 0: no such znode
    assigned = Fn(Node, Bool)  # the replicas (RS)
    adding = Fn(Node, Bool)  # of these the ones that a reassignment brings in (AR), and those that it takes out (RR)
    removing = Fn(Node, Bool)
    config = Var(TopicId)  # /config/topics/t, and for which topic it was written
    delete_requested = Var(Bool)  # /admin/delete_topics/t
    znode = Var(Write)  # the version of /brokers/topics/t/partitions/0/state
    # the writes of state znodes, and what each has put there
    writes = Var(Write)
    of_topic = Fn(Write, TopicId)
    leader = Fn(Write, Option[Node])
    leader_epoch = Fn(Write, LeaderEpoch)
    written_by = Fn(Write, ControllerEpoch)
    isr = Fn(Write, Node, Bool)
    replicas = Fn(Write, Node, Bool)  # not in the znode: the replicas that LeaderAndIsr names with it
    # a broker's process: all of it is lost in a crash
    up = Fn(Node, Bool)
    session = Fn(Node, Session)  # the last one
    remembered = Fn(Node, Session)  # the one that this process has registered in
    must_register = Fn(Node, Bool)
    broker_epoch = Fn(Node, BrokerEpoch)
    watching = Fn(Node, Bool)  # its watch on /controller is armed
    changed = Fn(Node, Bool)  # ControllerChange is pending: /controller was created
    reelect = Fn(Node, Bool)  # Reelect is pending: /controller was deleted, or the process has just started
    bid = Fn(Node, Option[ControllerEpoch])  # has seen no /controller, and this epoch
    # as the controller
    active = Fn(Node, ControllerEpoch)  # acts in this epoch; 0: is not the controller
    stage = Fn(Node, Stage)
    brokers_changed = Fn(Node, Bool)  # BrokerChange is pending
    topics_changed = Fn(Node, Bool)  # TopicChange
    deletions_changed = Fn(Node, Bool)  # TopicDeletion
    confirmed = Fn(Node, Node, Bool)  # controller, broker: TopicDeletionStopReplicaResponseReceived
    live = Fn(Node, Node, BrokerEpoch)  # controller, broker: taken for live, with this epoch
    shutting = Fn(Node, Node, Bool)  # controller, broker: shuttingDownBrokerIds
    topic = Fn(Node, TopicId)  # the topic that it knows
    queued = Fn(Node, Bool)  # that topic is to be deleted
    removal = Fn(Node, Node, Removal)  # controller, replica
    completion = Fn(Node, Completion)
    move = Fn(Node, Move)
    cached = Fn(Node, Write)  # the leadership that it knows
    must_elect = Fn(Node, Strategy)
    must_offline = Fn(Node, Node, Bool)  # controller, broker: its replica goes to OfflineReplica
    queue = Fn(Node, Node, Seq[Request, Position])  # controller, broker
    # as a broker
    known_epoch = Fn(Node, ControllerEpoch)  # the newest controller that it has heard of
    stopping = Fn(Node, Bool)  # wants to shut down, and has asked the controller
    hosted = Fn(Node, TopicId)  # the topic whose log is on its disk
    stopped = Fn(Node, Bool)  # its replica does not fetch any more (StopReplica)
    applied = Fn(Node, Write)  # what its replica follows or leads by; 0: not started
    metadata = Fn(Node, Write)  # its metadata cache
    informed = Fn(Node, Bool)  # the metadata cache knows the live brokers
    # its replica: `log` and `high_watermark` are on disk
    log = Fn(Node, Seq[Entry, Offset])
    high_watermark = Fn(Node, Offset)
    reconciled = Fn(Node, Bool)  # follower: its log has been cut to what the leader has
    epoch_start = Fn(Node, Offset)  # leader: leaderEpochStartOffset
    fetched = Fn(Node, Node, Bool)  # leader, replica: has fetched from this leader
    end_of = Fn(Node, Node, Offset)  # and its end offset was that: the leader's Replica.logEndOffset
    altering = Fn(
        Node, Option[Node]
    )  # leader: the replica that it wants in or out of the ISR; AlterPartition is on its way
    expanding = Fn(Node, Bool)  # in
    # history, for properties
    ghost_controller = Fn(ControllerEpoch, Option[Node])  # who was elected with an epoch
    ghost_elected_in = Fn(Node, Session)  # the session in which the acting controller was elected
    ghost_impostor = Var(Bool)  # somebody else has acted with an epoch
    ghost_zombie_write = Var(Bool)  # a state was written after a newer controller was elected
    ghost_stale_request = Fn(Node, Bool)  # a broker has obeyed an older controller than before
    ghost_stale_incarnation = Fn(Node, Bool)  # a broker has obeyed a request that was meant for an earlier registration
    ghost_committed_in = Fn(
        Value, LeaderEpoch
    )  # the epoch of the leader that has committed (acks=all: acknowledged) a record; 0: none
    # counters, for bounds
    aux_records = Var(Value)
    aux_disks = Var(Disks)
    aux_preferred = Var(Preferred)
    aux_shutdowns = Var(Shutdowns)
    aux_deletions = Var(Deletions)
    aux_reassignments = Var(Reassignments)
    aux_creations = Var(TopicId)
    aux_incidents = Var(Incidents)
    aux_expiries = Var(Expiries)
    aux_lingering = Var(Lingering)
    aux_restarts = Var(Restarts)
    aux_losses = Var(Losses)
    aux_removals = Var(Removals)


__all__ = [
    "BrokerEpoch",
    "Completion",
    "ControllerEpoch",
    "Deletions",
    "Disks",
    "Entry",
    "Expiries",
    "Incidents",
    "Kafka",
    "Kind",
    "LeaderEpoch",
    "Lingering",
    "Losses",
    "Move",
    "Offset",
    "Position",
    "Preferred",
    "Reassignments",
    "Removal",
    "Removals",
    "Request",
    "Restarts",
    "Session",
    "SessionState",
    "Shutdowns",
    "Stage",
    "Strategy",
    "TopicId",
    "Value",
    "Write",
]
