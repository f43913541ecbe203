"""Reads: answered by the server that the client is connected to, from its own tree, however old that is.

Source: FinalRequestProcessor. A failed read arms no watch, but for `exists`, which watches for the creation.
"""

from typing import assert_never

from impl.zookeeper.acl import READ, Id, allows
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import Answer, Exists, GetAcl, GetChildren, GetData, Read
from impl.zookeeper.tree import DataTree
from impl.zookeeper.watches import Table, Watch, Watches


def read(tree: DataTree, watches: Watches, session: int, op: Read, auth: tuple[Id, ...] = ()) -> tuple[Watches, Answer]:
    """The answer, and the watches with the one that the read armed."""
    node = tree.get(op.path)
    if node is None:
        if isinstance(op, Exists) and op.watch:
            watches = watches.add(Watch(session, Table.DATA, op.path))
        return watches, Answer(ErrorCode.NO_NODE)
    if not isinstance(op, Exists) and not allows(node.acl, READ, auth):
        return watches, Answer(ErrorCode.NO_AUTH)
    match op:
        case Exists():
            answer, table = Answer(stat=node.client_stat), Table.DATA
        case GetData():
            answer, table = Answer(stat=node.client_stat, data=node.data), Table.DATA
        case GetChildren():
            answer, table = Answer(stat=node.client_stat, children=tuple(sorted(node.children))), Table.CHILD
        case GetAcl():
            return watches, Answer(stat=node.client_stat, acl=node.acl)
        case _:
            assert_never(op)
    return (watches.add(Watch(session, table, op.path)) if op.watch else watches), answer
