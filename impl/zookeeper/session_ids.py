"""Names of sessions: their ids, their passwords, their timeouts. Source: SessionTrackerImpl, ZooKeeperServer."""

_MULTIPLIER, _INCREMENT, _SEED_MASK = 0x5DEECE66D, 0xB, (1 << 48) - 1
_SUPER_SECRET = 0xB3415C00
_PASSWORD_INTS = 4


def negotiated_timeout(wanted: int, tick: int) -> int:
    """The timeout a client gets, ms: what it wants, between 2 and 20 ticks. ZooKeeperServer.processConnectRequest."""
    return min(max(wanted, 2 * tick), 20 * tick)


def first_session_id(server: int, now: int) -> int:
    """Where a server starts to count its sessions; ids are server | 40 bits of its clock (ms) | 16 bits. initializeNextSessionId.

    A signed long: negative for servers from 128 on.
    """
    value = (now << 24 & (1 << 64) - 1) >> 8 | server << 56
    return value - (1 << 64) if value >> 63 else value


def password_of(session: int) -> bytes:
    """The 16 bytes that prove a session to be one's own; every server can compute them. ZooKeeperServer.generatePasswd.

    They are those of java.util.Random, seeded with the id, which is no secret to anyone. The seed has 48 bits: two servers
    that began to serve in the same millisecond give the same passwords.
    """
    seed = (session ^ _SUPER_SECRET ^ _MULTIPLIER) & _SEED_MASK
    drawn = b""
    for _ in range(_PASSWORD_INTS):
        seed = (seed * _MULTIPLIER + _INCREMENT) & _SEED_MASK
        drawn += (seed >> 16).to_bytes(4, "little")
    return drawn
