"""What must hold of real transaction logs: three real servers pass, and each planted fault is found with its place."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from impl.zookeeper.apply import apply
from impl.zookeeper.codes import OpCode
from impl.zookeeper.requests import Create, CreateMode, SetData
from impl.zookeeper.transactions import CreateTxn, SetDataTxn, Txn, zxid_of
from impl.zookeeper.tree import empty_tree
from lockstep import main
from tests.impl.service import service_with
from traces.logs.zookeeper.acknowledged import CHECK as ACKNOWLEDGED
from traces.logs.zookeeper.check import CHECKS, Result, check_disks
from traces.logs.zookeeper.disk import Disk, read_disks
from traces.logs.zookeeper.findings import Finding, Level
from traces.logs.zookeeper.history import read_history
from traces.logs.zookeeper.txnlog import log_bytes, log_name, read_log
from traces.logs.zookeeper.write import archive_of, cut, files_of

SERVERS = Path(__file__).resolve().parents[1] / "data" / "zookeeper" / "servers.tar.xz"
HISTORY = SERVERS.with_name("history.jsonl.gz")


@pytest.fixture(scope="module")
def disks() -> tuple[Disk, ...]:
    """The excerpt of the real ensemble."""
    return read_disks((SERVERS,))


def errors(result: Result) -> list[Finding]:
    """The findings that break a check."""
    return [finding for finding in result.findings if finding.level is Level.ERROR]


def test_three_real_servers_pass(disks: tuple[Disk, ...]) -> None:
    """No error; the marks of ZOOKEEPER-4394 and the traces of a deposed leader are seen; what was compared is pinned."""
    result = check_disks(disks)
    assert errors(result) == []
    kinds = [(finding.level.value, finding.check) for finding in result.findings]
    assert kinds.count(("defect", "zxids increase")) == 3
    assert kinds.count(("anomaly", "no hole")) == 1
    assert kinds.count(("anomaly", "servers agree")) == 2
    assert [(s.transactions, s.folded, s.digests) for s in result.servers] == [
        (1930, 1930, 1650),
        (1775, 1743, 1481),
        (1930, 1930, 1650),
    ]
    assert [(s.snapshots, s.snapshots_compared) for s in result.servers] == [(9, 8), (10, 8), (10, 9)]
    assert [pair.shared for pair in result.pairs] == [1733, 1930, 1733]


def change(disk: Disk, zxid: int, to: Callable[[Txn], Txn | None]) -> Disk:
    """The disk with every record of this zxid replaced, or dropped for None; sealed anew."""
    logs = []
    for log in disk.logs:
        changed = [to(record.txn) if record.txn.zxid == zxid else record.txn for record in log.records]
        txns = tuple(txn for txn in changed if txn is not None)
        logs.append(read_log(log.name, log_bytes(txns)))
    return evolve(disk, logs=tuple(logs))


def set_data(disk: Disk, after: int) -> Txn:
    """The first setData of the log from a zxid on."""
    found = [
        r.txn for log in disk.logs for r in log.records if r.txn.zxid >= after and isinstance(r.txn.body, SetDataTxn)
    ]
    return found[0]


def other_data(txn: Txn) -> Txn:
    """The same setData with one byte of its data flipped."""
    assert isinstance(txn.body, SetDataTxn)
    assert txn.body.data is not None
    return evolve(txn, body=evolve(txn.body, data=bytes([txn.body.data[0] ^ 1]) + txn.body.data[1:]))


def test_a_flipped_byte_under_a_right_checksum(disks: tuple[Disk, ...]) -> None:
    """The digests and the other servers tell, with file and offset."""
    target = set_data(disks[0], zxid_of(1, 0x50))
    planted = change(disks[0], target.zxid, other_data)
    found = errors(check_disks((planted, *disks[1:])))
    assert {finding.check for finding in found} == {"digests agree", "one transaction per zxid"}
    assert {finding.zxid for finding in found} == {target.zxid}
    assert all(finding.file == "log.100000001" and finding.offset for finding in found)
    assert [f for f in errors(check_disks((planted,))) if f.check == "digests agree"]  # also a server alone


def test_a_flipped_byte_and_a_torn_tail(disks: tuple[Disk, ...], tmp_path: Path) -> None:
    """A wrong checksum in the middle is an error at its offset; the same in the last record is the torn tail of a crash."""
    for at, level, code in ((2, Level.ERROR, 1), (-1, Level.ANOMALY, 0)):
        target = tmp_path / f"server{code}" / "version-2"
        target.mkdir(parents=True)
        for name, data in files_of(disks[0]).items():
            (target / name).write_bytes(data)
        last = disks[0].logs[-1]
        path, record = target / last.name, last.records[at]
        damaged = bytearray(path.read_bytes())
        damaged[record.offset + 20] ^= 1
        path.write_bytes(damaged)
        (finding,) = [f for f in check_disks(read_disks((target,))).findings if f.check == "files are whole"]
        assert (finding.level, finding.file, finding.offset) == (level, last.name, record.offset)
        assert "wrong checksum" in finding.text
        assert main(["check-log", "zookeeper", str(target.parent)]) == code


def test_a_lost_transaction(disks: tuple[Disk, ...]) -> None:
    """A hole without a snapshot, and a transaction that one server lacks though it went on (ZOOKEEPER-4925's shape)."""
    zxid = zxid_of(3, 0x40)
    found = errors(check_disks((change(disks[0], zxid, lambda txn: None), *disks[1:])))
    assert ("no hole", zxid + 1) in {(finding.check, finding.zxid) for finding in found}
    (hole,) = [finding for finding in found if finding.check == "no hole"]
    assert "a hole after 3.3f that no snapshot bridges" in hole.text


def test_a_lost_transaction_at_the_beginning_of_an_epoch(disks: tuple[Disk, ...]) -> None:
    """The end of the epoch before is gone: no hole within an epoch, but the other servers have it."""
    epoch2 = [r.txn.zxid for log in disks[0].logs for r in log.records if r.txn.zxid >> 32 == 2]
    planted = disks[0]
    for zxid in epoch2[-2:]:
        planted = change(planted, zxid, lambda txn: None)
    found = errors(check_disks((planted, disks[2])))
    assert {finding.zxid for finding in found if finding.check == "servers agree"} == set(epoch2[-2:])


def test_a_wrong_version_and_an_orphan(disks: tuple[Disk, ...]) -> None:
    """A version that does not count by one, a znode without a parent, an ephemeral of a closed session: none fits the tree."""
    target = set_data(disks[0], zxid_of(2, 0x20))

    def jump(txn: Txn) -> Txn:
        assert isinstance(txn.body, SetDataTxn)
        return evolve(txn, body=evolve(txn.body, version=txn.body.version + 1))

    orphan = CreateTxn("/no/such", b"", (), False, 1)
    ghost = CreateTxn("/ghost", b"", (), True, 9999)
    for body, text in ((None, "it sets version"), (orphan, "error -101"), (ghost, "closed or was never opened")):

        def plant(txn: Txn, body: CreateTxn | None = body) -> Txn:
            if body is None:
                return jump(txn)
            return evolve(txn, header=evolve(txn.header, session=99, type=OpCode.CREATE), body=body)

        found = errors(check_disks((change(disks[0], target.zxid, plant),)))
        assert any(f.check == "a transaction fits the tree" and f.zxid == target.zxid and text in f.text for f in found)


def test_a_snapshot_that_is_not_what_the_log_says(disks: tuple[Disk, ...]) -> None:
    """One znode of a snapshot changed and its seal renewed: found with the znode's name."""
    file = disks[0].snapshots[4]
    assert file.snapshot is not None
    node = file.snapshot.nodes["/r0"]
    nodes = {**file.snapshot.nodes, "/r0": evolve(node, stat=evolve(node.stat, ctime=node.stat.ctime + 1))}
    planted = evolve(file, snapshot=evolve(file.snapshot, nodes=nodes))
    snapshots = tuple(planted if other is file else other for other in disks[0].snapshots)
    found = errors(check_disks((evolve(disks[0], snapshots=snapshots),)))
    assert [(finding.check, finding.file) for finding in found] == [("a snapshot is what the log says", file.name)]
    assert "/r0 has ctime" in found[0].text


def test_a_purged_log_is_folded_from_its_oldest_snapshot(disks: tuple[Disk, ...]) -> None:
    """Servers delete old files: with the snapshot before the first log, with one within it, and with none."""
    logs = disks[0].logs[3:]
    first = logs[0].records[0].txn.zxid
    kept = {
        "before": tuple(file for file in disks[0].snapshots if file.label >= first - 2),
        "within": tuple(file for file in disks[0].snapshots if file.label > first),
        "none": (),
    }
    folded = {}
    for name, snapshots in kept.items():
        result = check_disks((evolve(disks[0], logs=logs, snapshots=snapshots), *disks[1:]))
        assert errors(result) == [], name
        folded[name] = result.servers[0].folded
        assert ("it cannot be folded" in str(result.findings)) == (name == "none")
    total = sum(len(log.records) for log in logs)
    assert folded["none"] == 0 < folded["within"] < folded["before"] <= total


def test_epoch_files(disks: tuple[Disk, ...]) -> None:
    """acceptedEpoch below currentEpoch is an error; currentEpoch below the last transaction is the mark of ZOOKEEPER-1653."""
    (found,) = errors(check_disks((evolve(disks[0], accepted_epoch=2),)))
    assert (found.check, found.file) == ("epochs are kept", "acceptedEpoch")
    result = check_disks((evolve(disks[0], current_epoch=2),))
    assert errors(result) == []
    assert any("refuse to start (ZOOKEEPER-1653)" in finding.text for finding in result.findings)


def test_the_same_zxid_with_other_bytes_in_one_log(disks: tuple[Disk, ...]) -> None:
    """A proposal that was logged again must be the same one."""
    second = disks[1].logs[-1]
    repeated = [r.txn for r in second.records if r.txn.zxid == zxid_of(3, 0xD0)]
    target = set_data(disks[1], zxid_of(3, 0xC7)).zxid
    assert repeated
    logs = [
        read_log(
            second.name, log_bytes(tuple(other_data(r.txn) if r.txn.zxid == target else r.txn for r in second.records))
        )
    ]
    found = errors(check_disks((evolve(disks[1], logs=(*disks[1].logs[:-1], *logs)),)))
    assert ("one transaction per zxid", target) in {(finding.check, finding.zxid) for finding in found}


def test_what_a_simulated_service_writes_passes(tmp_path: Path) -> None:
    """The log of our own service, with digests, as a server would write it; and one wrong digest is found."""
    service = service_with(7)
    for n in range(5):
        service = service.do(7, Create(f"/a{n}", mode=CreateMode.EPHEMERAL), SetData(f"/a{n}", b"x"))
    tree, txns = empty_tree(), []
    for txn in service.log:
        tree, _ = apply(tree, txn)
        txns.append(evolve(txn, digest=tree.digest))
    for wrong, expected in ((None, 0), (6, 1)):
        written = [evolve(txn, digest=1) if n == wrong else txn for n, txn in enumerate(txns)]
        name = log_name(written[0])
        place = tmp_path / f"server{expected}"
        place.mkdir()
        (place / name).write_bytes(log_bytes(tuple(written)))
        result = check_disks(read_disks((place,)))
        assert len(errors(result)) == expected
        assert result.servers[0].folded == len(txns)


def test_what_clients_were_answered_is_on_a_majority(disks: tuple[Disk, ...], tmp_path: Path) -> None:
    """The clients of the same run: every zxid they were answered is there. Lost on two disks it is missed, changed it is seen."""
    operations = read_history(HISTORY)
    result = check_disks(disks, operations)
    assert errors(result) == []
    assert result.acknowledged > 1000
    last = max(op.zxid for op in operations if op.zxid is not None)
    cut_off = tuple(cut(disk, last - 1) for disk in disks)
    for planted, lost in (((disks[0], disks[1], cut_off[2]), 0), ((disks[0], cut_off[1], cut_off[2]), 1)):
        found = [f for f in errors(check_disks(planted, operations)) if f.check == ACKNOWLEDGED]
        assert [finding.zxid for finding in found] == [last] * lost
    found = errors(check_disks((change(disks[0], last, other_data),), operations))
    assert {finding.zxid for finding in found if finding.check == ACKNOWLEDGED} == {last}
    assert main(["check-log", "zookeeper", str(SERVERS), "--history", str(HISTORY)]) == 0
    assert main(["check-log", "zookeeper-wire", str(SERVERS), "--history", str(HISTORY)]) == 3
    (tmp_path / "empty.jsonl").write_text("")
    assert main(["check-log", "zookeeper", str(SERVERS), "--history", str(tmp_path / "empty.jsonl")]) == 2


def test_the_archive_is_the_same_bytes_again(disks: tuple[Disk, ...]) -> None:
    """Reading and writing the excerpt changes nothing but perhaps the compression."""
    assert read_disks((SERVERS,)) == disks
    assert archive_of(disks) == archive_of(disks)
    assert files_of(disks[0]).keys() >= {"acceptedEpoch", "currentEpoch", "log.100000001"}


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One JSON object with a verdict per check; a table for people; exit code 3 and one line for what is no log."""
    assert main(["check-log", "zookeeper", str(SERVERS), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "holds"
    assert report["checks"] == {name: "holds" for name, _ in CHECKS if name != ACKNOWLEDGED}
    assert report["servers"][0]["last_zxid"] == "3.100"
    assert main(["check-log", "zookeeper", str(SERVERS)]) == 0
    shown = capsys.readouterr().out
    assert "holds: 0 errors, 3 marks of known defects, 3 benign anomalies" in shown
    assert "bridged by snapshot.3000000c5" in " ".join(shown.split())
    bad = tmp_path / "bad.tgz"
    bad.write_bytes(b"no archive")
    for arguments in (
        ["zookeeper", str(tmp_path / "missing")],
        ["zookeeper", str(bad)],
        ["zookeeper", str(tmp_path)],
        ["raft", str(bad)],
    ):
        assert main(["check-log", *arguments]) == 3
        line = capsys.readouterr().err
        assert line.startswith("lockstep: error: ")
        assert line.count("\n") == 1
    (tmp_path / "log.1").write_bytes(log_bytes(()))
    assert main(["check-log", "zookeeper", str(tmp_path)]) == 2
    (tmp_path / "currentEpoch").write_text("many")
    assert main(["check-log", "zookeeper", str(tmp_path)]) == 3
