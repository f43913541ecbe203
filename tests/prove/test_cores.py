"""What holds of both cores: history from outside, a page that says what is proved, and planted bugs that break the lemma they name."""

import time

import pytest

from model.engines.prove.prove import prove, verdict
from model.engines.prove.solver import TRIES
from model.engines.verdict import UNKNOWN
from model.language.analysis import is_ghost
from model.language.trace import trace
from properties.registry import HINTS, find_spec
from tests.prove.core_case import CORES, DOCS, KRAFT_CORE, ZAB_CORE, Core

ALL_BUGS = [(core, bug) for core in CORES for bug in sorted(core.spec.bugs)]

CI_BUGS = [
    (KRAFT_CORE, "late-truncate"),
    (KRAFT_CORE, "lengths-only"),
    (KRAFT_CORE, "vote-in-memory"),
    (ZAB_CORE, "acknowledged-is-cut"),
    (ZAB_CORE, "current-in-memory"),
    (ZAB_CORE, "zab-lengths-only"),
]
"""Of each core some of the log, of the election, and of the restart."""


@pytest.mark.parametrize("core", CORES, ids=str)
def test_the_registry_knows_the_core_and_how_it_is_proved(core: Core) -> None:
    """A core is a spec like any other, with its lemmas for properties and hints for the prover."""
    spec = find_spec(core.spec.name)
    assert spec.properties == (*core.safety, *core.inductive)
    assert HINTS[spec.name] is core.hints
    assert set(core.hints.derived) == {p.name for p in core.safety}


@pytest.mark.parametrize("core", CORES, ids=str)
def test_history_is_added_from_outside(core: Core) -> None:
    """Every wrapped action does to the protocol's state what the protocol's own action does: history changes nothing else."""
    assert {a.name for a in core.spec.actions} == {f.__name__ for f in core.protocol}
    traced = {a.name: a for a in trace(core.spec).actions}
    for name in core.wrapped:
        assert any(is_ghost(f) for t in traced[name].transitions for f in t.updates), name
    for name in set(traced) - set(core.wrapped):
        assert not any(is_ghost(f) for t in traced[name].transitions for f in t.updates), name


@pytest.mark.parametrize("core", CORES, ids=str)
def test_the_page_on_the_proof_says_what_each_lemma_says(core: Core) -> None:
    """The page on a proof lists every inductive lemma with its docstring, and names every safety property."""
    page = (DOCS / core.page).read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{p.name}` | {' '.join(p.doc.split())} |" for p in core.inductive]
    assert all(f"`{p.name}`" in page for p in core.safety)


@pytest.mark.parametrize("core", CORES, ids=str)
def test_every_bug_names_a_lemma(core: Core) -> None:
    """At least twelve rules are mutated, each with the inductive lemma that breaks; and every rule is."""
    assert len(core.spec.bugs) >= 12
    assert {b.breaks for b in core.spec.bugs.values()} <= {p.name for p in core.inductive}
    assert {b.name for b in core.spec.bugs.values()} == set(core.spec.rules)


@pytest.mark.parametrize(("core", "bug"), CI_BUGS, ids=str)
def test_a_planted_bug_breaks_its_lemma(core: Core, bug: str) -> None:
    """A mutated rule is found by the lemma that is named with it."""
    core.check_bug(bug)


@pytest.mark.nightly
@pytest.mark.parametrize(("core", "bug"), [case for case in ALL_BUGS if case not in CI_BUGS], ids=str)
def test_every_planted_bug_breaks_its_lemma(core: Core, bug: str) -> None:
    """The same for all others."""
    core.check_bug(bug)


@pytest.mark.nightly
@pytest.mark.parametrize(("core", "bug"), ALL_BUGS, ids=str)
def test_a_planted_bug_leaves_obligations_open(core: Core, bug: str) -> None:
    """With a rule broken, the lemma that is said to break is not proved for any size, and so nothing is."""
    found = prove(core.spec.with_bug(bug), core.hints, tries=TRIES[:3], clock=time.process_time)
    assert core.spec.bugs[bug].breaks in {r.claim for r in found.open}
    assert verdict(found).verdict == UNKNOWN
