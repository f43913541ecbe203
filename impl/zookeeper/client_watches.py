"""The watches that a client library keeps for its application: to arm them again, and to know what an event used up.

Source: ZKWatchManager (dataWatches, existWatches, childWatches; materialize), ZooKeeper.WatchRegistration. One-shot watches only.
"""

from attrs import evolve, frozen

from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import Answer, Asked, Exists, GetChildren, GetData, SetWatches
from impl.zookeeper.watches import EventType

Paths = tuple[str, ...]


@frozen
class ClientWatches:
    """Paths in the order in which they were watched: by getData, by exists of a missing znode, by getChildren."""

    data: Paths = ()
    exist: Paths = ()
    child: Paths = ()

    @property
    def any(self) -> bool:
        """Whether there is anything to arm again."""
        return bool(self.data or self.exist or self.child)

    def registered(self, operation: Asked, answer: Answer) -> "ClientWatches":
        """With the watch that an answered read has armed at the server. WatchRegistration.shouldAddWatch."""
        missing = answer.error == ErrorCode.NO_NODE
        match operation:
            case Exists(path=path, watch=True) if missing:
                return evolve(self, exist=_with(self.exist, path))
            case Exists(path=path, watch=True) | GetData(path=path, watch=True) if not answer.error:
                return evolve(self, data=_with(self.data, path))
            case GetChildren(path=path, watch=True) if not answer.error:
                return evolve(self, child=_with(self.child, path))
            case _:
                return self

    def fired(self, event: EventType, path: str) -> tuple["ClientWatches", bool]:
        """Without those that an event used up, and whether there were any: else nobody is told. materialize."""
        data, exist, child = self.data, self.exist, self.child
        if event is not EventType.NODE_CHILDREN_CHANGED:
            data, exist = _without(data, path), _without(exist, path)
        if event in (EventType.NODE_CHILDREN_CHANGED, EventType.NODE_DELETED):
            child = _without(child, path)
        left = ClientWatches(data, exist, child)
        return left, left != self

    def armed_again(self, relative_zxid: int) -> SetWatches:
        """What a client that comes back says first, having seen everything up to this zxid."""
        return SetWatches(relative_zxid, self.data, self.exist, self.child)


def _with(paths: Paths, path: str) -> Paths:
    return paths if path in paths else (*paths, path)


def _without(paths: Paths, path: str) -> Paths:
    return tuple(other for other in paths if other != path)
