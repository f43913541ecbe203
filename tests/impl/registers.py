"""A small state machine: one register per topic, with the meaning of the operations that `kraft/metadata.py` gives them.

As in PrepRequestProcessor, a request is validated when it is proposed and its transaction says what the register becomes,
so that applying one twice is the same as once; a refused request is a transaction too, which changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from impl.operations import Operation, Value
from impl.zookeeper.machine import Outcome, Request
from impl.zookeeper.transactions import show_zxid


@frozen
class Register:
    """Whether the topic exists, the version (successful writes so far), its value, and the zxid that wrote it last."""

    exists: bool = False
    version: int = 0
    value: Value = None
    mzxid: int = 0


@frozen
class Write:
    """A transaction: the register becomes `register`, or (`error`) nothing happens."""

    zxid: int
    session: int
    cxid: int
    key: str
    register: Register
    error: str | None = None

    def __str__(self) -> str:
        body = self.error or f"{self.key}=v{self.register.version}"
        return f"{show_zxid(self.zxid)} {body} #{self.session}.{self.cxid}"


Tree = Mapping[str, Register]


class Registers:
    """See `machine.Machine`; a tree is a mapping of topics to registers."""

    def empty(self) -> Tree:
        """No topic was ever written."""
        return {}

    def prepare(self, tree: Tree, request: Request, zxid: int) -> Write:
        """The write, or the refusal, of a request."""
        operation = request.operation
        register = tree.get(operation.key, Register())
        error = _refusal(register, operation)
        if error is None:
            version = register.version + 1
            match operation.f:
                case "create_topic":
                    register = Register(True, version, None, zxid)
                case "delete_topic":
                    register = Register(False, version, None, zxid)
                case _:
                    register = Register(True, version, operation.value, zxid)
        return Write(zxid, request.session, request.cxid, operation.key, register, error)

    def origin(self, txn: Write) -> tuple[int, int]:
        """Whose request it is."""
        return txn.session, txn.cxid

    def apply(self, tree: Tree, txn: Write, *, syncing: bool = False) -> tuple[Tree, Outcome]:
        """The register takes the value that the transaction says."""
        after = tree if txn.error is not None else {**tree, txn.key: txn.register}
        return after, Outcome(txn.error, _answer(txn.register))

    def read(self, tree: Tree, operation: Operation) -> Outcome:
        """What the register holds."""
        return Outcome(None, _answer(tree.get(operation.key, Register())))

    def plain(self, tree: Tree) -> Any:
        """(exists, version, value, mzxid) by topic."""
        return {key: [item.exists, item.version, item.value, item.mzxid] for key, item in sorted(tree.items())}


def _answer(register: Register) -> dict[str, Any]:
    return {"version": register.version, "exists": register.exists, "value": register.value, "mzxid": register.mzxid}


def _refusal(register: Register, operation: Operation) -> str | None:
    match operation.f:
        case "create_topic":
            return "TOPIC_ALREADY_EXISTS" if register.exists else None
        case "update" if register.exists and register.version != operation.expected_version:
            return "INVALID_UPDATE_VERSION"
        case _:
            return None if register.exists else "UNKNOWN_TOPIC_OR_PARTITION"
