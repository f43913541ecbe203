"""The history of the clients: what was invoked, and how it ended.

The form is Jepsen's, and so are the four types of events.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

EVENT_TYPES = ("invoke", "ok", "fail", "info")


@frozen
class HistoryEvent:
    """One event. `invoke` begins an operation of `process`; `ok`, `fail` or `info` ends it.

    `ok`: it took effect. `fail`: it had no effect, or was refused (`error` says why). `info`: unknown, it may take effect at
    any later time; the process is never used again. `time` is virtual, in microseconds. `value` of an invoke is the argument
    (set_config: the value; update: `expected` and `value`), of an `ok` the answer (`version`; a read also `exists` and
    `value`), else None. A server of ZooKeeper also answers with `zxid`, the last that it had applied (of a write or a refusal:
    its own), `mzxid`, that of the znode's last write (0 if there is no znode), and the `server`; a `fail` of it has those too.
    """

    index: int
    time: int
    process: int
    type: str
    f: str
    key: str
    value: Mapping[str, Any] | int | str | None
    error: str | None

    def to_json(self) -> dict[str, Any]:
        """The event as a plain JSON object, in the order of the fields."""
        return {
            "index": self.index,
            "time": self.time,
            "process": self.process,
            "type": self.type,
            "f": self.f,
            "key": self.key,
            "value": dict(self.value) if isinstance(self.value, Mapping) else self.value,
            "error": self.error,
        }


def history_to_jsonl(history: Iterable[HistoryEvent]) -> str:
    """One JSON object per line, in the order of the events; the same history gives the same bytes."""
    return "".join(json.dumps(event.to_json(), separators=(",", ":")) + "\n" for event in history)
