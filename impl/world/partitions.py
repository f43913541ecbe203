"""Which links a partition cuts."""

from impl.world.draws import Draws

Link = tuple[int, int]
"""A directed link, (sender, receiver)."""


def client_links(client: int, servers: tuple[int, ...], draws: Draws) -> tuple[Link, ...]:
    """The links of a client that is cut off: from all servers or from some, what it sends, what it receives, or both."""
    some = servers if draws.chance(0.5) else [server for server in servers if draws.chance(0.5)] or servers[:1]
    ways = ("out", "in", "both")[draws.below(3)]
    links = [((client, server), (server, client)) for server in some]
    return tuple(
        link for there, back in links for link in {"out": (there,), "in": (back,), "both": (there, back)}[ways]
    )


def partition_links(kind: str, voters: tuple[int, ...], draws: Draws) -> tuple[Link, ...]:
    """The links of a drawn partition of two or more voters.

    "symmetric": all links between two groups, both ways. "asymmetric": of one node, only what it sends or only what it
    receives, on some of its links. "flapping": all links of one node, both ways.
    """
    if kind == "symmetric":
        side = draws.between(1, (1 << len(voters)) - 2)
        group = [voter for position, voter in enumerate(voters) if side >> position & 1]
        rest = [voter for voter in voters if voter not in group]
        return tuple(link for one in group for two in rest for link in ((one, two), (two, one)))
    node = draws.one_of(voters)
    others = [voter for voter in voters if voter != node]
    if kind == "flapping":
        return tuple(link for other in others for link in ((node, other), (other, node)))
    some = [other for other in others if draws.chance(0.5)] or others[:1]
    outgoing = draws.chance(0.5)
    return tuple((node, other) if outgoing else (other, node) for other in some)
