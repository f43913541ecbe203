"""Faults planted in the C runtime of the compiled explorer: the counts of a search must give each of them away."""

from typing import Any

import pytest

from model.engines.compiled import build, native
from model.engines.compiled.signatures import SIGNATURES
from model.two_phase.spec import SPEC as TWO_PHASE
from properties.registry import SPECS
from tests.engines.compiled_case import BACKENDS, compiled, counts, reference

pytestmark = pytest.mark.skipif("native" not in BACKENDS, reason="no C compiler here")

KRAFT, SCOPE = SPECS["kraft"], {"nodes": 2, "epochs": 1, "elections": 2, "log": 1}
FAULTS = {
    "steps of a state that was postponed are forgotten": (
        "round.h",
        "(rest ? rest[q * (mw + 1) + mw] : 0)",
        "0",
    ),
    "all groups of a state that was postponed are taken again": (
        "round.h",
        "if (rest) bits &= rest[q * (mw + 1) + m];",
        "",
    ),
    "steps of a group that waits are not taken back": (
        "round.h",
        "w->nsteps = steps, w->ncuts = cuts, w->nsuccessors = successors, w->nsteps_taken = taken;",
        "",
    ),
    "a group that lacks a patch does not wait": ("round.h", "put_off(e, w, q, x->group);", ""),
    "one patch of a value is taken for another": ("patches.h", "(u32)x == patch + 1", "1"),
    "a short entry loses its patch": ("memo.h", "(n == 2 ? code[1] : 0)", "0"),
}


def broken(file: str, old: str, new: str) -> Any:
    """The runtime with a fault in one of its files."""
    sources = dict(build.runtime_sources())
    assert sources[file].count(old) == 1, f"{file}: plant the fault in the line that is there now"
    sources[file] = sources[file].replace(old, new)
    loaded = build.load("broken", "runtime.c", sources, ("-O1",))
    build.declare(loaded, SIGNATURES)
    return loaded


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_counts_give_a_fault_away(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts or out-degrees of a small scope of KRaft are not those of the reference explorer."""
    expected = reference(KRAFT, SCOPE, ())
    sound = compiled(KRAFT, SCOPE, (), "native")
    library = broken(*FAULTS[fault])
    monkeypatch.setattr(native, "library", lambda: library)
    found = compiled(KRAFT, SCOPE, (), "native")
    right = counts(expected), expected.out_degrees
    assert (counts(sound), sound.out_degrees) == right
    assert (counts(found), found.out_degrees) != right


def test_a_visited_set_that_forgets_when_it_grows_finds_states_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """TwoPhase with six resource managers has 50,816 states, more than the first table holds."""
    library = broken("visited.h", "if (old[j]) {", "if (old[j] && j % 8) {")
    monkeypatch.setattr(native, "library", lambda: library)
    assert compiled(TWO_PHASE, {"nodes": 6}, (), "native").distinct > 50_816
