"""The historical bugs of the ensemble's implementation, each the replacement of a rule (their hunts: tests/stateful)."""

from pathlib import Path

import pytest

from impl.zookeeper.bugs import BUGS, rules_with
from impl.zookeeper.rules import Rules

BY_HAND = {
    "ZOOKEEPER-1653": "test_crash_points_at_new_leader",
    "ZOOKEEPER-5094": "test_an_interrupted_trunc_leaves_nothing_behind",
    "ZOOKEEPER-4837-LABEL": "test_truncated_by_label_a_snapshot_of_a_new_epoch_is_lost",
}
"""So rare in a simulation that scripts in test_zookeeper_sync.py show them too."""


def test_every_bug_replaces_a_rule() -> None:
    """No bug is the correct implementation by another name; the rarest have a script too."""
    scripts = Path(__file__).with_name("test_zookeeper_sync.py").read_text(encoding="utf-8")
    assert all(f"def {name}(" in scripts and bug in scripts for bug, name in BY_HAND.items())
    assert all(bug.rules != Rules() for bug in BUGS.values())
    assert rules_with(None) == Rules()


def test_an_unknown_bug_is_refused() -> None:
    """The message lists the known ones."""
    with pytest.raises(ValueError, match="unknown bug 'X'; one of ZOOKEEPER-335"):
        rules_with("X")
