"""What a check of real logs has to say, in three classes."""

from enum import Enum

from attrs import frozen

from impl.zookeeper.transactions import show_zxid


class Level(Enum):
    """How bad a finding is.

    error    something that must hold does not
    defect   the mark of a known defect in the software that wrote the log; what the log says is still sound
    anomaly  unusual to look at, and normal: a torn tail, the uncommitted end of a deposed leader, a hole that a snapshot bridges
    """

    ERROR = "error"
    DEFECT = "defect"
    ANOMALY = "anomaly"


@frozen
class Finding:
    """One of them: which check, on which server, what, and where (file, byte offset, zxid)."""

    level: Level
    check: str
    server: str
    text: str
    file: str = ""
    offset: int | None = None
    zxid: int | None = None

    @property
    def place(self) -> str:
        """`s1/log.500000001 offset 1234 zxid 5.7`."""
        parts = [f"{self.server}/{self.file}" if self.file else self.server]
        if self.offset is not None:
            parts.append(f"offset {self.offset}")
        if self.zxid is not None:
            parts.append(f"zxid {show_zxid(self.zxid)}")
        return " ".join(parts)

    def __str__(self) -> str:
        return f"{self.level.value}: {self.place}: {self.text} ({self.check})"
