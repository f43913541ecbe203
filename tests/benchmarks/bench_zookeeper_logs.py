"""How fast real ZooKeeper logs are read and checked, in CPU seconds. Run by hand:

python -m tests.benchmarks.bench_zookeeper_logs [ARCHIVE [HISTORY]]

Each line is the median of three rounds after one that warms up and does not count; without arguments over the excerpts in
tests/data/zookeeper. The rates of one run may be compared with each other: the last column is the ratio to reading.
"""

import sys
from pathlib import Path

from properties.witnessed_histories import check
from tests.benchmarks.bench_engines import line, measured
from traces.logs.zookeeper.check import check_disks
from traces.logs.zookeeper.disk import read_disks
from traces.logs.zookeeper.history import read_history
from traces.logs.zookeeper.write import files_of

DATA = Path(__file__).resolve().parents[1] / "data" / "zookeeper"


def main(arguments: list[str]) -> None:
    """Measure reading, writing and checking."""
    archive = Path(arguments[0]) if arguments else DATA / "servers.tar.xz"
    history = Path(arguments[1]) if len(arguments) > 1 else DATA / "history.jsonl.gz"
    disks = read_disks((archive,))
    operations = read_history(history)
    transactions = sum(len(log.records) for disk in disks for log in disk.logs)

    def read() -> int:
        return sum(len(log.records) for disk in read_disks((archive,)) for log in disk.logs)

    def write() -> int:
        return transactions if all(files_of(disk) for disk in disks) else 0

    def fold() -> int:
        return sum(server.transactions for server in check_disks(disks).servers)

    def judge() -> int:
        return sum(check(operations).counts.values())

    base = line("read an archive", *_with_unit(measured(read, 3), "transactions"))
    line("write the files again", *_with_unit(measured(write, 3), "transactions"), base)
    line("check logs, digests, snapshots and agreement", *_with_unit(measured(fold, 3), "transactions"), base)
    line("check a history by its zxids", *_with_unit(measured(judge, 3), "operations"), base)


def _with_unit(result: tuple[int, float], unit: str) -> tuple[int, str, float]:
    return result[0], unit, result[1]


if __name__ == "__main__":
    main(sys.argv[1:3])
