"""Watches of the clients of one server: who is told of what. Not replicated; a session's watches live with its connection.

Source: DataTree (dataWatches, childWatches), WatchManager, WatcherModeManager, FinalRequestProcessor, DataTree.setWatches. An event
is put on a client's connection before any reply that shows the new state: `trigger` runs where the transaction is applied.
"""

from enum import Enum, IntEnum

from attrs import frozen

from impl.zookeeper.acl import READ, Acl, Id, allows
from impl.zookeeper.apply import Change, ChangeKind
from impl.zookeeper.paths import ROOT, parent_of
from impl.zookeeper.tree import DataTree


class EventType(IntEnum):
    """What a client is told. Watcher.Event.EventType."""

    NODE_CREATED = 1
    NODE_DELETED = 2
    NODE_DATA_CHANGED = 3
    NODE_CHILDREN_CHANGED = 4


class Table(Enum):
    """Which changes a watch is about: of the znode (getData, exists), or of its children (getChildren)."""

    DATA = "data"
    CHILD = "child"


class Mode(Enum):
    """How long a watch lasts: for one event; until it is removed; the same, for all below the path too. WatcherMode."""

    STANDARD = "standard"
    PERSISTENT = "persistent"
    PERSISTENT_RECURSIVE = "persistent recursive"


@frozen(order=True)
class WatchEvent:
    """What session `session` is told: kind and path, never the data."""

    session: int
    type: EventType
    path: str


@frozen
class Watch:
    """One watch: of a session, in a table, at a path."""

    session: int
    table: Table
    path: str
    mode: Mode = Mode.STANDARD


@frozen
class Watches:
    """All watches of one server, in the order in which they were set."""

    watches: tuple[Watch, ...] = ()

    def add(self, watch: Watch) -> "Watches":
        """Set a watch; one that is set already is not set twice."""
        return self if watch in self.watches else Watches((*self.watches, watch))

    def add_persistent(self, session: int, path: str, *, recursive: bool) -> "Watches":
        """addWatch: a persistent watch is in both tables, a recursive one tells of every znode but of no children as such."""
        mode = Mode.PERSISTENT_RECURSIVE if recursive else Mode.PERSISTENT
        return self.add(Watch(session, Table.DATA, path, mode)).add(Watch(session, Table.CHILD, path, mode))

    def remove_session(self, session: int) -> "Watches":
        """The connection is gone, and its watches with it."""
        return Watches(tuple(watch for watch in self.watches if watch.session != session))

    def trigger(
        self, changes: tuple[Change, ...], auth: "dict[int, tuple[Id, ...]] | None" = None
    ) -> tuple["Watches", tuple[WatchEvent, ...]]:
        """Tell of changes, in order. `auth` gives the identities of sessions: who may not read a znode is not told."""
        watches = self
        events: list[WatchEvent] = []
        for change in changes:
            watches, told = watches._change(change, auth or {})
            events.extend(told)
        return watches, tuple(events)

    def _change(self, change: Change, auth: dict[int, tuple[Id, ...]]) -> tuple["Watches", tuple[WatchEvent, ...]]:
        path, acl = change.path, change.acl
        if change.kind is ChangeKind.DATA_CHANGED:
            return self._fire(Table.DATA, EventType.NODE_DATA_CHANGED, path, acl, auth)
        created = change.kind is ChangeKind.CREATED
        of_itself = EventType.NODE_CREATED if created else EventType.NODE_DELETED
        watches, told = self._fire(Table.DATA, of_itself, path, acl, auth)
        if not created:
            watches, again = watches._fire(Table.CHILD, of_itself, path, acl, auth)
            # A client with both watches is told of the deletion once.
            told += tuple(event for event in again if event not in told)
        of_parent = EventType.NODE_CHILDREN_CHANGED
        watches, last = watches._fire(Table.CHILD, of_parent, parent_of(path), change.parent_acl, auth)
        return watches, told + last

    def _fire(
        self, table: Table, event: EventType, path: str, acl: tuple[Acl, ...], auth: dict[int, tuple[Id, ...]]
    ) -> tuple["Watches", tuple[WatchEvent, ...]]:
        """Every watch of a table at the path, and the recursive ones above it. WatchManager.triggerWatch."""
        about = tuple(watch for watch in self.watches if watch.table is table and _is_about(watch, event, path))
        left = tuple(watch for watch in self.watches if watch not in about or watch.mode is not Mode.STANDARD)
        sessions = sorted({watch.session for watch in about})
        told = (WatchEvent(session, event, path) for session in sessions if allows(acl, READ, auth.get(session, ())))
        return Watches(left), tuple(told)

    def reconnect(
        self,
        session: int,
        tree: DataTree,
        relative_zxid: int,
        data: tuple[str, ...] = (),
        exist: tuple[str, ...] = (),
        child: tuple[str, ...] = (),
    ) -> tuple["Watches", tuple[WatchEvent, ...]]:
        """Set the one-shot watches of a client that comes back and has seen everything up to `relative_zxid`. setWatches.

        What has changed since is told at once, the others are set again.
        """
        watches = self
        events: list[WatchEvent] = []
        for path in data:
            node = tree.get(path)
            if node is None:
                events.append(WatchEvent(session, EventType.NODE_DELETED, path))
            elif node.stat.mzxid > relative_zxid:
                events.append(WatchEvent(session, EventType.NODE_DATA_CHANGED, path))
            else:
                watches = watches.add(Watch(session, Table.DATA, path))
        for path in exist:
            if tree.get(path) is not None:
                events.append(WatchEvent(session, EventType.NODE_CREATED, path))
            else:
                watches = watches.add(Watch(session, Table.DATA, path))
        for path in child:
            node = tree.get(path)
            if node is None:
                events.append(WatchEvent(session, EventType.NODE_DELETED, path))
            elif node.stat.pzxid > relative_zxid:
                events.append(WatchEvent(session, EventType.NODE_CHILDREN_CHANGED, path))
            else:
                watches = watches.add(Watch(session, Table.CHILD, path))
        return watches, tuple(events)


def _is_about(watch: Watch, event: EventType, path: str) -> bool:
    if watch.mode is Mode.PERSISTENT_RECURSIVE:
        return event is not EventType.NODE_CHILDREN_CHANGED and _is_at_or_below(path, watch.path)
    return watch.path == path


def _is_at_or_below(path: str, top: str) -> bool:
    return path == top or top == ROOT or path.startswith(f"{top}/")
