"""Two-phase commit, after Gray and Lamport, "Consensus on Transaction Commit" (2006), section 3 and the TLA+ module TwoPhase.

A transaction manager collects `Prepared` messages from all resource managers and then decides; each resource manager may
also abort on its own while it is working. It is here because its counts are published (288, 1,568, 8,832, 50,816 distinct
states for 3, 4, 5, 6 resource managers), so it checks the language and the engines. A resource manager is a `Node`.
"""

from model.language import (
    Bool,
    Enum,
    Fn,
    Messages,
    Node,
    Not,
    Record,
    State,
    Var,
    always,
    forall,
    make_spec,
    member,
    require,
    sometimes,
)


class Vote(Enum):
    """What a resource manager has decided."""

    WORKING = member()
    PREPARED = member()
    COMMITTED = member()
    ABORTED = member()


class Decision(Enum):
    """What the transaction manager has decided."""

    INIT = member()
    COMMITTED = member()
    ABORTED = member()


class Prepared(Record):
    """A resource manager tells the transaction manager that it is prepared."""

    manager: Node


class Commit(Record):
    """The transaction manager tells everybody to commit."""

    decided: Bool


class Abort(Record):
    """The transaction manager tells everybody to abort."""

    decided: Bool


class TwoPhase(State):
    """The resource managers, the transaction manager and the messages sent."""

    vote = Fn(Node, Vote)
    decision = Var(Decision)
    prepared = Fn(Node, Bool)  # the transaction manager has received Prepared from this one
    prepared_sent = Messages(Prepared)
    commit_sent = Messages(Commit)
    abort_sent = Messages(Abort)


def init(s: TwoPhase) -> None:
    """Everybody is working: the defaults."""


def receive_prepared(s: TwoPhase, message: Prepared) -> None:
    """The transaction manager receives a Prepared message while it is undecided. TMRcvPrepared."""
    require(s.decision == Decision.INIT)

    s.prepared[message.manager] = True


def decide_commit(s: TwoPhase) -> None:
    """The transaction manager commits once every resource manager is prepared. TMCommit."""
    require(s.decision == Decision.INIT)
    require(forall(Node, lambda r: s.prepared[r]))

    s.decision = Decision.COMMITTED
    s.commit_sent.send(Commit(decided=True))


def decide_abort(s: TwoPhase) -> None:
    """The transaction manager aborts while it is undecided. TMAbort."""
    require(s.decision == Decision.INIT)

    s.decision = Decision.ABORTED
    s.abort_sent.send(Abort(decided=True))


def prepare(s: TwoPhase, manager: Node) -> None:
    """A working resource manager prepares and says so. RMPrepare."""
    require(s.vote[manager] == Vote.WORKING)

    s.vote[manager] = Vote.PREPARED
    s.prepared_sent.send(Prepared(manager=manager))


def choose_to_abort(s: TwoPhase, manager: Node) -> None:
    """A working resource manager aborts on its own. RMChooseToAbort."""
    require(s.vote[manager] == Vote.WORKING)

    s.vote[manager] = Vote.ABORTED


def receive_commit(s: TwoPhase, manager: Node, message: Commit) -> None:
    """A resource manager is told to commit. RMRcvCommitMsg."""
    s.vote[manager] = Vote.COMMITTED


def receive_abort(s: TwoPhase, manager: Node, message: Abort) -> None:
    """A resource manager is told to abort. RMRcvAbortMsg."""
    s.vote[manager] = Vote.ABORTED


ACTIONS = (
    receive_prepared,
    decide_commit,
    decide_abort,
    prepare,
    choose_to_abort,
    receive_commit,
    receive_abort,
)


@always
def managers_agree(s: TwoPhase) -> object:
    """No resource manager has committed while another has aborted (TCConsistent)."""
    return forall(Node, Node, lambda a, b: Not((s.vote[a] == Vote.COMMITTED) & (s.vote[b] == Vote.ABORTED)))


@sometimes
def everybody_commits(s: TwoPhase) -> object:
    """All resource managers have committed."""
    return forall(Node, lambda r: s.vote[r] == Vote.COMMITTED)


@sometimes
def everybody_aborts(s: TwoPhase) -> object:
    """All resource managers have aborted."""
    return forall(Node, lambda r: s.vote[r] == Vote.ABORTED)


SPEC = make_spec(
    "two-phase",
    title="Two-phase commit (Gray and Lamport 2006)",
    state=TwoPhase,
    init=init,
    actions=ACTIONS,
    properties=(managers_agree, everybody_commits, everybody_aborts),
    bounds={"nodes": 4},
)
