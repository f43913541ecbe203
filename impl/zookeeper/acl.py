"""Access control lists: who may do what to one znode (not to its children).

Source: ZooDefs.Perms, ZooKeeperServer.checkACL, PrepRequestProcessor.fixupACL. Schemes: world, auth, digest, ip, sasl, x509.
Deviation: an id of digest, sasl and x509 matches by equality, as those providers do by default; providers cannot be added.
"""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from attrs import frozen

from impl.zookeeper.codes import ErrorCode, KeeperError

READ, WRITE, CREATE, DELETE, ADMIN = 1, 2, 4, 8, 16
ALL = READ | WRITE | CREATE | DELETE | ADMIN


@frozen
class Id:
    """An identity under a scheme: how a client has authenticated, or whom an entry is about."""

    scheme: str
    id: str


@frozen
class Acl:
    """One entry: a set of permissions (bits) for an identity."""

    perms: int
    id: Id


ANYONE = Id("world", "anyone")
OPEN_ACL_UNSAFE = (Acl(ALL, ANYONE),)
READ_ACL_UNSAFE = (Acl(READ, ANYONE),)


def allows(acl: tuple[Acl, ...], permission: int, auth: tuple[Id, ...]) -> bool:
    """Whether a client with these identities has the permission. An empty list allows everything, as does `super`."""
    if not acl or any(identity.scheme == "super" for identity in auth):
        return True
    return any(
        entry.perms & permission and (entry.id == ANYONE or any(_matches(entry.id, identity) for identity in auth))
        for entry in acl
    )


def require_allowed(acl: tuple[Acl, ...], permission: int, auth: tuple[Id, ...]) -> None:
    """Raises KeeperError NO_AUTH for a client that lacks the permission."""
    if not allows(acl, permission, auth):
        raise KeeperError(ErrorCode.NO_AUTH)


def fixed_up(acl: tuple[Acl, ...], auth: tuple[Id, ...]) -> tuple[Acl, ...]:
    """The list as it is stored: without repetitions, `auth` replaced by the client's own identities.

    Raises KeeperError INVALID_ACL: an empty list, an unknown scheme, an ill-formed id, or `auth` without an identity.
    """
    result: list[Acl] = []
    for entry in acl:
        if entry.id.scheme == "auth":
            expanded = [Acl(entry.perms, identity) for identity in auth if identity.scheme != "ip"]
            if not expanded:
                raise KeeperError(ErrorCode.INVALID_ACL)
        elif _is_valid(entry.id):
            expanded = [entry]
        else:
            raise KeeperError(ErrorCode.INVALID_ACL)
        result.extend(item for item in expanded if item not in result)
    if not result:
        raise KeeperError(ErrorCode.INVALID_ACL)
    return tuple(result)


def _matches(wanted: Id, identity: Id) -> bool:
    if wanted.scheme != identity.scheme:
        return False
    if wanted.scheme == "ip":
        network = _network(wanted.id)
        try:
            return network is not None and ip_address(identity.id) in network
        except ValueError:
            return False
    return wanted.id == identity.id


def _is_valid(identity: Id) -> bool:
    match identity.scheme:
        case "world":
            return identity.id == "anyone"
        case "digest":
            return identity.id.count(":") == 1
        case "ip":
            return _network(identity.id) is not None
        case "sasl" | "x509":
            return bool(identity.id)
        case _:
            return False


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
