"""The versions and times of a znode, and what kind of owner it has. Source: StatPersisted, EphemeralType."""

from enum import Enum

from attrs import frozen

CONTAINER_OWNER = -(1 << 63)
TTL_MARK = 0xFF
MAX_TTL = (1 << 40) - 1


@frozen
class Stat:
    """What is stored with a znode; zxids, times in ms, and counters.

    version          setData calls since the creation
    cversion         children created so far (deletions do not count; clients see `2 * cversion - children`)
    aversion         setACL calls since the creation
    ephemeral_owner  0, a session id, or the marks of containers and of TTL nodes
    pzxid            the last creation or deletion of a child
    """

    czxid: int = 0
    mzxid: int = 0
    ctime: int = 0
    mtime: int = 0
    version: int = 0
    cversion: int = 0
    aversion: int = 0
    ephemeral_owner: int = 0
    pzxid: int = 0


@frozen
class ClientStat:
    """What clients are told of a znode. zookeeper.jute: Stat; DataNode.copyStat."""

    czxid: int
    mzxid: int
    ctime: int
    mtime: int
    version: int
    cversion: int
    aversion: int
    ephemeral_owner: int
    data_length: int
    num_children: int
    pzxid: int


class OwnerKind(Enum):
    """Why a znode may go away by itself. EphemeralType."""

    PERSISTENT = "persistent"
    EPHEMERAL = "ephemeral"
    CONTAINER = "container"
    TTL = "ttl"


def owner_kind(ephemeral_owner: int) -> OwnerKind:
    """What the owner field says. EphemeralType.get, with extended types enabled."""
    if ephemeral_owner == 0:
        return OwnerKind.PERSISTENT
    if ephemeral_owner == CONTAINER_OWNER:
        return OwnerKind.CONTAINER
    if ephemeral_owner < 0 and (ephemeral_owner >> 56) & 0xFF == TTL_MARK:
        return OwnerKind.TTL
    return OwnerKind.EPHEMERAL


def ttl_owner(ttl: int) -> int:
    """The owner field of a TTL node, as a signed long; ValueError for a ttl (ms) that is not in 1 .. 2^40-1."""
    if not 0 < ttl <= MAX_TTL:
        raise ValueError(f"a time to live of {ttl} ms; from 1 to {MAX_TTL}")
    return (TTL_MARK << 56 | ttl) - (1 << 64)


def ttl_of(ephemeral_owner: int) -> int:
    """The time to live, in ms, of a TTL node. EphemeralType.TTL.getValue."""
    return ephemeral_owner & MAX_TTL
