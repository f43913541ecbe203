"""The seam between the quorum and the service: what the ensemble replicates, as far as the quorum knows it.

The quorum orders transactions and hands them over; only the state machine knows what they say.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import frozen

from impl.operations import Operation
from impl.zookeeper.acl import Id


class Transaction(Protocol):
    """What is proposed, logged and applied. Its zxid is all that the quorum looks at."""

    @property
    def zxid(self) -> int:
        """Its place in the total order."""


@frozen
class Request:
    """A request of a client as the servers hand it around: the session, its number there, and what is asked for.

    `operation` is one of `impl.zookeeper.requests` from a session; from a client of a bare ensemble, one of the words that
    both modes share (`impl.operations.Operation`). It says of itself whether it `is_read`. `owner` is the server that the
    session is connected to, as the one that forwards knows it (None: the leader's own request), `auth` how the client has
    authenticated.
    """

    session: int
    cxid: int
    operation: Any
    owner: int | None = None
    auth: tuple[Id, ...] = ()

    def __str__(self) -> str:
        return f"{self.operation}#{self.session:x}.{self.cxid}"


@frozen
class Outcome:
    """What a client is told: an error or None, and what was found; `result` is all that the state machine says of it."""

    error: str | None
    answer: Mapping[str, Any]
    result: Any = None


class Machine(Protocol):
    """A deterministic state machine over trees (values that are never changed in place)."""

    def empty(self) -> Any:
        """The tree of a new ensemble."""

    def prepare(self, tree: Any, request: Request, zxid: int) -> Transaction:
        """The transaction of a request, by the tree with all outstanding transactions. An error is a transaction too."""

    def origin(self, txn: Any) -> tuple[int, int]:
        """The session whose request the transaction is, and the number of the request there."""

    def apply(self, tree: Any, txn: Any, *, syncing: bool = False) -> tuple[Any, Outcome]:
        """The tree after a transaction. To apply one again that the tree has already does no harm.

        `syncing`: a learner applies it while it is synchronised with its leader.
        """

    def read(self, tree: Any, operation: Operation) -> Outcome:
        """The answer of a tree to a read."""

    def plain(self, tree: Any) -> Any:
        """The tree as plain JSON data."""
