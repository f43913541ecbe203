"""The service: sorts, messages and state.

After ZooKeeper 3.9 (PrepRequestProcessor, FinalRequestProcessor, DataTree, SessionTrackerImpl, WatchManager, ClientCnxn). A `Node`
is a server. What Zab gives is assumed, and is a property of the spec `zab`: committed transactions form one sequence (TotalOrder), each
server applies a prefix of it that only grows (PrefixConsistency), and whoever leads has applied all of it (LeaderLogCompleteness).

How it is cut down, and what that leaves out:

* A transaction is proposed and committed in one step, so there are no outstanding changes beside the leader's tree; a request that
  fails has no transaction here (an error transaction, which takes a zxid and changes nothing).
* A session has one connection at a time. What a client has submitted and the leader has not seen yet can only get lost or come late;
  it is one write at most (`late`), so `pipe` holds what the leader has executed and the client has not been told. Who the session
  belongs to is compared when the session connects elsewhere, since that settles what becomes of the late write. A server forwards in the
  order of arrival, so a late write goes before all that comes over a later connection to the same server, or not at all. What is on its
  way to the leader is lost with the leader: servers start anew.
* A read is submitted, served and answered in one step, once the session's earlier writes are answered. A reply is received as soon as the
  server sends it: replies that are lost with a connection are requests that were not answered. Events are on their way for some time
  (`due`), and what the server sends later comes after them, as it does in one TCP stream.
* The paths are one parent (0), which always exists, and its children (1 ..). The parent's watches are child watches, a child's are
  data watches (also on a child that does not exist, as `exists` sets them). ACLs, quotas, containers, TTL and persistent watches, and
  the data itself (a value is known by its mzxid) are left out. Sessions exist from the start; a server neither restarts nor has
  snapshots.
"""

from model.language import Abstract, Bool, Enum, Fn, Node, Option, Ordinal, Record, Seq, State, Var, member


class Session(Abstract, bound="sessions"):
    """A client's session."""


class Zxid(Ordinal, bound="log"):
    """A transaction's number; 0 is before the first. The leader's epoch is not in it: zxids only grow."""


class Version(Ordinal, bound="log"):
    """dataVersion of a znode: 0 when it is created, one more with each setData."""


class Path(Ordinal, bound="paths"):
    """0 is the parent, the others are its children; a sequential child's number is its place among all that were created."""


class Place(Ordinal, bound="pipe"):
    """A place among the requests of a session that were executed and not answered."""


class Moves(Ordinal, bound="moves"):
    """How many connections have broken."""


class Syncs(Ordinal, bound="syncs"):
    """How many syncs there have been."""


class Watches(Ordinal, bound="watches"):
    """How many watches were set."""


class Expiries(Ordinal, bound="expiries"):
    """How many sessions have expired."""


class Leaders(Ordinal, bound="leaders"):
    """How many leaders there have been."""


class Kind(Enum):
    """What a transaction does."""

    CREATE = member()
    SET = member()
    DELETE = member()
    MULTI = member()
    CLOSE = member()


class Txn(Record):
    """A transaction. `owner`: of an ephemeral znode, or the session that is closed; `version`: what setData sets; `other`: the child that
    a multi creates beside the one that it sets.
    """

    kind: Kind
    path: Path
    version: Version
    other: Path
    owner: Option[Session]


class Request(Record):
    """A write or sync that was executed: the zxid up to which the server must apply before it answers.

    `floor` is history: what was committed when the leader executed it.
    """

    zxid: Zxid
    floor: Zxid


class Service(State):
    """Servers and clients."""

    log = Var(Seq[Txn, Zxid])
    leader = Var(Option[Node])
    # servers: how far each has applied the log, and its tree
    applied = Fn(Node, Zxid)
    present = Fn(Node, Path, Bool)
    version = Fn(Node, Path, Version)
    modified = Fn(Node, Path, Zxid)  # mzxid; of the parent pzxid
    owner = Fn(Node, Path, Option[Session])  # ephemeralOwner
    created = Fn(Node, Path)  # the parent's persisted cversion: how many children were created
    closed = Fn(Node, Session, Bool)  # the session is not in the table of sessions any more
    # the leader's session tracker
    tracked = Fn(Session, Bool)
    closing = Fn(Session, Bool)  # isClosing
    # connections
    connection = Fn(Session, Option[Node])
    pipe = Fn(Session, Seq[Request, Place])
    armed = Fn(Session, Path, Bool)  # the server has a watch
    due = Fn(Session, Path, Bool)  # a watch event is on its way; what is sent later comes after it
    late = Fn(
        Session, Option[Node]
    )  # a write may be on its way that was sent over a connection to that server, which is broken now
    # clients
    last_zxid = Fn(Session, Zxid)
    watching = Fn(Session, Path, Option[Zxid])  # the client waits for an event, since it has read this value
    knows_expired = Fn(Session, Bool)
    # history, for properties
    ghost_behind = Fn(
        Session, Bool
    )  # a write or sync was answered by a server that had not applied what was committed then
    ghost_back = Fn(Session, Bool)  # a client was shown an older state than before
    ghost_surprised = Fn(Session, Bool)  # the client read a new value before the event of the watch on it
    ghost_again = Fn(Session, Path, Bool)  # an event came that no watch of the client was waiting for
    ghost_newer = Fn(Session, Bool)  # a write was executed over a later connection while an older one was late
    ghost_overtaken = Fn(Session, Bool)  # and the older one was executed after it
    ghost_blind = Var(Bool)  # a conditional write went ahead on another version than the expected one
    ghost_number = Var(Path)  # the last child whose number was given by its parent; the first child counts as one
    ghost_repeated = Var(Bool)  # one got a number that was not above all before
    # counters, for bounds
    aux_moves = Var(Moves)
    aux_leaders = Var(Leaders)
    aux_syncs = Var(Syncs)
    aux_watches = Var(Watches)
    aux_expiries = Var(Expiries)


__all__ = [
    "Expiries",
    "Kind",
    "Leaders",
    "Moves",
    "Path",
    "Place",
    "Request",
    "Service",
    "Session",
    "Syncs",
    "Txn",
    "Version",
    "Watches",
    "Zxid",
]
