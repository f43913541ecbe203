"""A watch over the service in a running world: what ZooKeeper promises its clients, checked after every step.

The reference is the sequence of trees as leaders committed it: the tree of every zxid, folded from the transactions.
"""

from collections.abc import Mapping
from typing import Any

from impl.effects import Receive, Send
from impl.world.record import StepRecord
from impl.world.world import World
from impl.world.zookeeper.process import ProcessState
from impl.zookeeper.apply import apply
from impl.zookeeper.client_messages import ConnectResponse, Tell, WatcherEvent
from impl.zookeeper.client_watches import ClientWatches
from impl.zookeeper.codes import ErrorCode, OpCode
from impl.zookeeper.effects import Applied, Committed, Established
from impl.zookeeper.messages import Forward, Proposal
from impl.zookeeper.requests import Asked, Exists, GetChildren, GetData, Read
from impl.zookeeper.state import BROADCAST, Leading, NodeState
from impl.zookeeper.transactions import CreateTxn, ErrorTxn, MultiTxn, Txn, show_zxid
from impl.zookeeper.tree import DataTree, empty_tree
from impl.zookeeper.watches import EventType

Table = tuple[str, str]


class ServiceWatch:
    """An observer of worlds whose clients have sessions. `findings` are (check, text); `covered` counts what was checked."""

    def __init__(self) -> None:
        self.findings: list[tuple[str, str]] = []
        self.covered: dict[str, int] = {}
        self.committed = empty_tree()
        self.trees: dict[int, DataTree] = {0: self.committed}
        self.sequential: dict[str, int] = {}
        self._seen: dict[int, DataTree] = {}
        self._libraries: dict[int, ProcessState] = {}
        self._armed: dict[tuple[int, int], dict[Table, int]] = {}
        self._zxids: dict[int, int] = {}

    def __call__(self, world: World, record: StepRecord) -> None:
        for effect in record.effects:
            match effect:
                case Established(epoch, DataTree() as tree):
                    self.committed = tree
                    self.trees[epoch << 32] = self.trees[tree.last_zxid] = tree
                case Committed(_, Txn() as txn):
                    self._commit(world, txn)
                case Applied(Txn()):
                    self.covered["applied"] = self.covered.get("applied", 0) + 1
                case _:
                    pass
        if record.incident is not None:
            self._find(world, "incident", record.incident.message)
        state = world.state(record.node) if record.node else None
        if record.node in world.voters and state is not None:
            self._check_server(world, record.node, state)
            self._check_owner(world, record, state)
            if record.effects:
                self._check_outstanding(world, record.node, state)
        if record.node in world.processes:
            before = self._libraries.pop(record.node, None)
            if isinstance(record.event, Receive) and before is not None:
                self._check_message(world, record.node, before, record.event.message)
            if state is not None:
                self._libraries[record.node] = state

    def found(self) -> list[str]:
        """The names of the checks that something broke."""
        return sorted({check for check, _ in self.findings})

    def _find(self, world: World, check: str, text: str) -> None:
        self.findings.append((check, f"step {world.steps}: {text}"))

    def _check(self, world: World, holds: bool, check: str, text: str) -> None:
        self.covered[check] = self.covered.get(check, 0) + 1
        if not holds:
            self._find(world, check, text)

    # ------------------------------------------------------------------------------------------------------ the transactions

    def _commit(self, world: World, txn: Txn) -> None:
        before = self.committed
        tree, outcome = apply(before, txn)
        self.committed = self.trees[txn.zxid] = tree
        is_error = isinstance(txn.body, ErrorTxn)
        self._check(
            world,
            is_error or not outcome.error or txn.header.type is OpCode.MULTI,
            "a transaction does what its leader foresaw",
            f"{txn} ends with {outcome.error}",
        )
        if isinstance(txn.body, ErrorTxn) and txn.body.error == ErrorCode.NODE_EXISTS:
            self.covered["node exists"] = self.covered.get("node exists", 0) + 1
        if isinstance(txn.body, CreateTxn) and not outcome.error:
            self.covered["created"] = self.covered.get("created", 0) + 1
        if txn.header.type is OpCode.CLOSE_SESSION:
            self.covered["sessions closed"] = self.covered.get("sessions closed", 0) + 1

    # ----------------------------------------------------------------------------------------------------------- the servers

    def _check_owner(self, world: World, record: StepRecord, state: NodeState) -> None:
        """What a learner forwards for a session that another server has by now becomes no transaction but an error."""
        forward = record.event.message if isinstance(record.event, Receive) else None
        if not isinstance(forward, Forward) or state.service.tracker is None:
            return
        request = forward.request
        known = state.service.tracker.sessions.get(request.session)
        if known is None or known.owner in (None, request.owner):
            return
        for effect in record.effects:
            txn = effect.message.txn if isinstance(effect, Send) and isinstance(effect.message, Proposal) else None
            if isinstance(txn, Txn) and (txn.header.session, txn.header.cxid) == (request.session, request.cxid):
                self._check(world, _is_refused(txn), "requests of a session that has moved are refused", str(txn))

    def _check_outstanding(self, world: World, node: int, state: NodeState) -> None:
        """What the leader checks requests against is the tree with everything that is outstanding, and nothing else."""
        role, records = state.role, state.service.outstanding.records
        if not isinstance(role, Leading) or not records:
            return
        tree = state.database.tree
        for txn in (*role.to_be_applied, *(proposed.txn for proposed in role.outstanding)):
            if isinstance(txn, Txn) and isinstance(tree, DataTree) and txn.zxid > tree.last_zxid:
                tree, _ = apply(tree, txn)
        assert isinstance(tree, DataTree)
        for path, found in records.items():
            will_be = tree.get(path)
            same = (will_be is None) == (found.stat is None)
            if will_be is not None and found.stat is not None:
                same = (will_be.stat.version, will_be.stat.cversion) == (found.stat.version, found.stat.cversion)
            text = f"{node} takes {path} for {found.stat}, it will be {will_be and will_be.stat}"
            self._check(world, same, "a request is checked against what will be in the tree", text)

    def _check_server(self, world: World, node: int, state: NodeState) -> None:
        tree = state.database.tree
        assert isinstance(tree, DataTree)
        if self._seen.get(node) is tree or getattr(state.role, "phase", None) != BROADCAST:
            return
        self._seen[node] = tree
        dead = [owner for owner in tree.ephemerals if owner not in tree.sessions]
        self._check(
            world, not dead, "an ephemeral exists only while its session does", f"{node} has {_ephemerals(tree)}"
        )
        reference = self.trees.get(tree.last_zxid)
        if reference is not None:
            same = (tree.digest, tree.sessions) == (reference.digest, reference.sessions)
            text = f"{node} at {show_zxid(tree.last_zxid)}: {_difference(tree, reference)}"
            self._check(world, same, "the same zxid, the same tree", text)

    # ----------------------------------------------------------------------------------------------------------- the clients

    def _check_message(self, world: World, address: int, before: ProcessState, message: Any) -> None:
        library = before.library
        if getattr(message, "channel", None) != library.link:
            return
        key = (address, library.session)
        match message:
            case WatcherEvent(type=event, path=path):
                self.covered["events"] = self.covered.get("events", 0) + 1
                armed = self._armed.get(key, {})
                for table in _tables_of(event):
                    armed.pop((table, path), None)
            case ConnectResponse(timeout=timeout) if timeout > 0:
                name = "sessions opened" if library.session == 0 else "sessions resumed"
                self.covered[name] = self.covered.get(name, 0) + 1
            case ConnectResponse():
                self.covered["expiries learnt"] = self.covered.get("expiries learnt", 0) + 1
            case Tell(reply=reply):
                seen = self._zxids.get(library.session, 0)
                text = f"{address} saw {show_zxid(seen)}, then {show_zxid(reply.zxid)}"
                self._check(world, reply.zxid >= seen, "a session never goes back", text)
                self._zxids[library.session] = reply.zxid
                self._check_events(world, address, key, reply.zxid)
                self._note_watch(key, library.watches, library.sent[0].operation, message)
            case _:
                pass

    def _check_events(self, world: World, address: int, key: tuple[int, int], zxid: int) -> None:
        """Every change up to the zxid of a reply that a watch is about was told before the reply."""
        tree = self.trees.get(zxid)
        if tree is None:
            return
        for (table, path), seen in self._armed.get(key, {}).items():
            now = _state_of(tree, table, path)
            text = f"{address} watches {table} {path} at {show_zxid(seen)}; the reply is of {show_zxid(zxid)}, {now:#x}"
            self._check(world, now == seen, "a change is told before what shows it", text)

    def _note_watch(self, key: tuple[int, int], watches: ClientWatches, operation: Asked, message: Tell) -> None:
        answer = message.reply.answer
        if not isinstance(operation, Read) or watches.registered(operation, answer) == watches:
            return
        armed = self._armed.setdefault(key, {})
        match operation:
            case Exists(path=path) if answer.stat is None:
                armed["exist", path] = 0
            case Exists(path=path) | GetData(path=path) if answer.stat is not None:
                armed["data", path] = answer.stat.mzxid
            case GetChildren(path=path) if answer.stat is not None:
                armed["child", path] = answer.stat.pzxid
            case _:
                pass


def _is_refused(txn: Txn) -> bool:
    body = txn.body
    return isinstance(body, ErrorTxn) or (
        isinstance(body, MultiTxn) and any(isinstance(part.body, ErrorTxn) for part in body.parts)
    )


def _tables_of(event: EventType) -> tuple[str, ...]:
    if event is EventType.NODE_CHILDREN_CHANGED:
        return ("child",)
    return ("data", "exist", "child") if event is EventType.NODE_DELETED else ("data", "exist")


def _state_of(tree: DataTree, table: str, path: str) -> int:
    """What a watch of this table compares: mzxid, pzxid, or whether the znode is there; -1 for a znode that is gone."""
    node = tree.get(path)
    if table == "exist":
        return 0 if node is None else node.stat.czxid
    if node is None:
        return -1
    return node.stat.mzxid if table == "data" else node.stat.pzxid


def _ephemerals(tree: DataTree) -> Mapping[str, tuple[str, ...]]:
    return {f"{owner:x}": paths for owner, paths in tree.ephemerals.items()}


def _difference(one: DataTree, two: DataTree) -> str:
    mine, theirs = dict(one.walk()), dict(two.walk())
    paths = [path for path in sorted({*mine, *theirs}) if mine.get(path) != theirs.get(path)]
    shown = [
        f"{path}: {getattr(mine.get(path), 'stat', None)} / {getattr(theirs.get(path), 'stat', None)}" for path in paths
    ]
    return "; ".join(shown) or f"sessions {sorted(one.sessions)} / {sorted(two.sessions)}"
