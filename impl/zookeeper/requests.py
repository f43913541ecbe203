"""What clients ask and what they are answered, as the servers' request pipeline sees it. Source: zookeeper.jute (proto), Request."""

from enum import Enum
from typing import ClassVar, TypeAlias

from attrs import field, frozen

from impl.zookeeper.acl import OPEN_ACL_UNSAFE, Acl, Id
from impl.zookeeper.stat import ClientStat

ANY_VERSION = -1


class CreateMode(Enum):
    """How a znode is created: (wire flag, ephemeral, sequential). CreateMode."""

    PERSISTENT = (0, False, False)
    EPHEMERAL = (1, True, False)
    PERSISTENT_SEQUENTIAL = (2, False, True)
    EPHEMERAL_SEQUENTIAL = (3, True, True)
    CONTAINER = (4, False, False)
    PERSISTENT_WITH_TTL = (5, False, False)
    PERSISTENT_SEQUENTIAL_WITH_TTL = (6, False, True)

    @property
    def ephemeral(self) -> bool:
        """Whether the znode goes away with its session."""
        return self.value[1]

    @property
    def sequential(self) -> bool:
        """Whether the parent's counter is appended to the name."""
        return self.value[2]

    @property
    def has_ttl(self) -> bool:
        """Whether the znode has a time to live."""
        return self in (CreateMode.PERSISTENT_WITH_TTL, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL)


class _Kind:
    """What all operations have: whether they change nothing, and are no transaction."""

    __slots__ = ()
    is_read: ClassVar[bool] = False


class _Reading(_Kind):
    __slots__ = ()
    is_read: ClassVar[bool] = True


@frozen
class Create(_Kind):
    """Create a znode; `ttl` in ms where the mode has one. `with_stat` is create2, which is answered with the stat."""

    path: str
    data: bytes | None = b""
    acl: tuple[Acl, ...] = OPEN_ACL_UNSAFE
    mode: CreateMode = CreateMode.PERSISTENT
    ttl: int = 0
    with_stat: bool = False


@frozen
class Delete(_Kind):
    """Delete a znode of this version."""

    path: str
    version: int = ANY_VERSION


@frozen
class DeleteContainer(_Kind):
    """Delete a container or TTL node that is empty; only the leader asks for it. ContainerManager."""

    path: str


@frozen
class SetData(_Kind):
    """Replace the data of a znode of this version."""

    path: str
    data: bytes | None
    version: int = ANY_VERSION


@frozen
class SetAcl(_Kind):
    """Replace the access control list of a znode of this aversion."""

    path: str
    acl: tuple[Acl, ...]
    version: int = ANY_VERSION


@frozen
class Check(_Kind):
    """In a multi: that a znode exists and has this version."""

    path: str
    version: int = ANY_VERSION


@frozen
class Multi(_Kind):
    """All of these or none."""

    ops: tuple["MultiOp", ...]


@frozen
class CreateSession(_Kind):
    """Open the session whose id the request bears, with this timeout in ms."""

    timeout: int


@frozen
class CloseSession(_Kind):
    """Close the session: asked by the client, or by the leader for an expired one."""


@frozen
class Sync(_Reading):
    """Bring the server that the client is connected to up to the leader's commit point."""

    path: str


@frozen
class Exists(_Reading):
    """The stat of a znode, or NO_NODE; a watch is armed either way."""

    path: str
    watch: bool = False


@frozen
class GetData(_Reading):
    """Data and stat; a watch is armed if the znode exists."""

    path: str
    watch: bool = False


@frozen
class GetChildren(_Reading):
    """The names of the children; a watch is armed if the znode exists."""

    path: str
    watch: bool = False


@frozen
class GetAcl(_Reading):
    """The access control list and the stat."""

    path: str


@frozen
class SetWatches(_Reading):
    """Arm the watches of a client that comes back, and tell what has changed since `relative_zxid`. SetWatches."""

    relative_zxid: int
    data: tuple[str, ...] = ()
    exist: tuple[str, ...] = ()
    child: tuple[str, ...] = ()


@frozen
class Ping(_Reading):
    """Show that the client lives; answered in the session's order, like a read."""


MultiOp: TypeAlias = Create | Delete | SetData | Check
Write: TypeAlias = MultiOp | DeleteContainer | SetAcl | Multi | CreateSession | CloseSession
Read: TypeAlias = Exists | GetData | GetChildren | GetAcl
Operation: TypeAlias = Write | Read | Sync
"""What an application can ask for."""
Asked: TypeAlias = Operation | SetWatches | Ping
"""What a client's connection carries: the library asks for the last two by itself."""


@frozen
class Request:
    """One request of a session.

    cxid   the session's own number for it
    owner  the server the session is connected to, as the leader knows it; None for the leader's own requests
    auth   how the client has authenticated
    """

    session: int
    cxid: int
    op: Operation
    owner: int | None = None
    auth: tuple[Id, ...] = ()


@frozen
class Answer:
    """What an operation gives back besides its error: only the fields that belong to it are set."""

    error: int = 0
    path: str | None = None
    stat: ClientStat | None = None
    data: bytes | None = None
    acl: tuple[Acl, ...] = ()
    children: tuple[str, ...] = ()
    results: tuple["Answer", ...] = field(default=())


@frozen
class Reply:
    """An answer with its header: the request's number, and the last zxid that the server had applied. ReplyHeader."""

    cxid: int
    zxid: int
    answer: Answer
