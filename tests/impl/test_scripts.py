"""Golden interaction scripts: `scripts/*.txt` say what happens, and record what every node does.

A line is a command; the indented lines below it are its recorded outcome: disk effects, messages sent, and for `state` one
line per node. LOCKSTEP_REWRITE=1 in the environment records them anew.

    nodes N                                     the cluster (first command)
    fire NODE TIMER                             a timer expires
    deliver SRC DST KIND                        the newest message of that kind in flight arrives
    exchange NODE...                            everything in flight among these nodes and the clients arrives, oldest first
    write NODE VALUE                            a client's write reaches the accumulator of the node
    crash NODE keep N | restart NODE            power loss | start
    crash-during fire NODE TIMER after N keep N   power loss after N effects of the step
    cut SRC DST | heal SRC DST                  the link in this direction
    state                                       role, epoch, high watermark and log of every node
"""

import os
from pathlib import Path

import pytest

from impl.effects import AppendEntries, FlushLog, Send, TruncateLog, WriteElectionState
from impl.kraft import messages
from impl.world.choices import Crash, CrashDuring, Cut, Fire, Heal, Restart
from impl.world.kraft.snapshot import NodeSnapshot
from impl.world.record import StepRecord
from tests.impl.hand import Hand, cluster

SCRIPTS = Path(__file__).parent / "scripts"


def _dash(value: object) -> object:
    return "-" if value is None else value


def _outcome(record: StepRecord) -> list[str]:
    """The disk effects of a step and the messages it sent, in order."""
    lines = []
    for effect in record.effects:
        match effect:
            case WriteElectionState(state):
                lines.append(f"write epoch={state.epoch} leader={_dash(state.leader_id)} voted={_dash(state.voted_id)}")
            case AppendEntries(base_offset, entries):
                lines.extend(f"append {base_offset}: {entry.payload} epoch={entry.epoch}" for entry in entries)
            case TruncateLog(end_offset):
                lines.append(f"truncate to {end_offset}")
            case FlushLog():
                lines.append("flush")
            case Send(message):
                lines.append(str(message))
            case _:
                pass
    return lines


def _state(node: NodeSnapshot) -> str:
    log = " ".join(f"{entry.payload}@{entry.epoch}" for entry in node.log) or "empty"
    return f"{node.node} {node.status} {node.role} epoch={node.epoch} hw={_dash(node.high_watermark)} log: {log}"


def _run(hand: Hand, command: str) -> list[str]:
    """Carry out one command; its outcome as lines."""
    world = hand.world
    match command.split():
        case ["fire", node, timer]:
            return _outcome(hand.fire(int(node), timer))
        case ["deliver", src, dst, kind]:
            return _outcome(hand.deliver(int(src), int(dst), getattr(messages, kind)))
        case ["exchange", *nodes]:
            before = len(world.sent)
            hand.exchange(*map(int, nodes))
            return [f"{len(world.sent) - before} messages sent"]
        case ["write", node, value]:
            idle = [client for client in world.client_addresses if world.is_idle(client)]
            hand.write(int(node), int(value), client=idle[0])
            return []
        case ["crash", node, "keep", kept]:
            return _outcome(world.apply(Crash(int(node), int(kept))))
        case ["restart", node]:
            return _outcome(world.apply(Restart(int(node))))
        case ["crash-during", "fire", node, timer, "after", after, "keep", kept]:
            return _outcome(world.apply(CrashDuring(Fire(int(node), timer), int(after), int(kept))))
        case ["cut", src, dst]:
            return _outcome(world.apply(Cut(int(src), int(dst))))
        case ["heal", src, dst]:
            return _outcome(world.apply(Heal(int(src), int(dst))))
        case ["state"]:
            return [_state(hand.node(node)) for node in world.voters]
        case _:
            raise AssertionError(f"no such command: {command}")


def _play(script: str) -> str:
    """The script with the outcomes as they are now."""
    hand: Hand | None = None
    lines: list[str] = []
    for line in script.splitlines():
        if line.startswith("    "):
            continue
        lines.append(line)
        if not line.strip() or line.startswith("#"):
            continue
        if hand is None:
            nodes, count = line.split()
            assert nodes == "nodes", f"the first command must be nodes N, not {line}"
            hand = cluster(nodes=int(count))
            continue
        lines.extend(f"    {outcome}" for outcome in _run(hand, line))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.txt")), ids=lambda path: path.stem)
def test_script(path: Path) -> None:
    """Every message, disk write and state of the script is as recorded."""
    recorded = path.read_text(encoding="utf-8")
    played = _play(recorded)
    if os.environ.get("LOCKSTEP_REWRITE") == "1":
        path.write_text(played, encoding="utf-8")

    assert played == path.read_text(encoding="utf-8")
    assert "\n    " in played


def test_there_are_scripts() -> None:
    """A missing folder would test nothing."""
    assert len(list(SCRIPTS.glob("*.txt"))) >= 3
