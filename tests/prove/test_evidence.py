"""What a proof leaves behind: proofs that need not be repeated, and the opinion of a second solver."""

import json
import time
from pathlib import Path

import pytest

import lockstep
from model.engines.induct.induct import is_kept, run_induction
from model.engines.prove.cache import Cache
from model.engines.prove.prove import PROVED, Proof, prove, verdict
from model.engines.prove.second import CONFIRMED, SecondSolver
from model.engines.prove.solver import TRIES
from model.engines.source import Progress
from model.engines.verdict import HOLDS, UNKNOWN
from model.language import Spec
from model.language.hints import Hints
from model.language.trace import trace
from properties.registry import HINTS, find_bug
from tests.prove.small_lease import lease
from tests.prove.test_prover import lend_always


def proof_of(spec: Spec, cache: Cache | None = None, second: SecondSolver | None = None) -> Proof:
    """The prover's work on a spec, with little patience."""
    return prove(spec, Hints(), tries=TRIES[:3], clock=time.process_time, cache=cache, second=second)


# ---- the cache
def test_what_was_proved_is_remembered(tmp_path: Path) -> None:
    """A second proof asks nothing, and says so; its rows have the same status, hypotheses, costs and query hashes."""
    first, again = (proof_of(lease(), Cache(tmp_path)) for _ in range(2))
    assert (first.note, again.note) == ("", f"{again.queries} of {again.queries} queries remembered")
    assert again.proved

    def told(proof: Proof) -> list[object]:
        return [(r.place, r.claim, r.status, r.hypotheses, r.options, r.cost, r.digests) for r in proof.rows]

    assert told(first) == told(again)


def test_what_stays_open_is_not_remembered(tmp_path: Path) -> None:
    """That something was not proved is asked again: another day it may be. What another spec has proved does not count for it."""
    proof_of(lease(), Cache(tmp_path))
    wrong = lease(may_lend=lend_always)
    places = {(r.place, r.claim) for r in proof_of(wrong, Cache(tmp_path)).open}
    again = proof_of(wrong, Cache(tmp_path))
    assert (
        {(r.place, r.claim) for r in again.open}
        == places
        == {("lend/0", "one_holder"), ("lend/0", "holders_are_known")}
    )
    assert verdict(again).verdict == UNKNOWN


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"check": "", "proof": {}}', b"\xff\xff"])
def test_a_damaged_entry_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    """A file that was cut off, or is none of ours, is as good as none, and does not stay."""
    proof_of(lease(), Cache(tmp_path))
    entries = sorted(tmp_path.rglob("*.json"))
    whole = [e.read_bytes() for e in entries]
    for entry in entries:
        entry.write_bytes(damage)
    assert proof_of(lease(), Cache(tmp_path)).note == ""
    assert [e.read_bytes() for e in entries] == whole


def test_an_entry_under_another_name_is_not_believed(tmp_path: Path) -> None:
    """An entry says which query it is about: one that was moved is not taken for another's."""
    proof_of(lease(), Cache(tmp_path))
    one, other = sorted(tmp_path.rglob("*.json"))[:2]
    other.write_bytes(one.read_bytes())
    cache = Cache(tmp_path)
    assert cache.get(one.stem) is not None
    assert cache.get(other.stem) is None


def test_a_directory_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Where a file is in the way of the directory, everything is proved and nothing remembered."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert proof_of(lease(), Cache(blocked)).proved


# ---- the second solver
def test_a_second_solver_confirms_the_proof() -> None:
    """cvc5 answers every query of the lease as Z3 does; the share is stated in the verdict and per row of the manifest."""
    proof = proof_of(lease(), second=SecondSolver(2000))
    found = verdict(proof)
    assert found.note.startswith("cvc5 ")
    assert found.note.endswith(f" confirms {proof.queries} of {proof.queries} queries")
    assert all(r.confirmed == r.goals for r in proof.rows if r.status == PROVED)
    assert proof.manifest()["second"]["confirmed"] == proof.queries


def test_a_second_solver_confirms_nothing_that_is_not_so() -> None:
    """What can be satisfied, and what is too hard for it, is not confirmed."""
    solver = SecondSolver(2000)
    text = "(declare-const x Int)(assert (> x {}))(assert (< x 2))(check-sat)"
    assert solver.answer(text.format(1)) == CONFIRMED
    assert solver.answer(text.format(0)) == "sat"
    hard = "(declare-fun f (Int) Int)(assert (forall ((x Int)) (> (f (f x)) x)))(check-sat)"
    assert solver.answer(hard).startswith("unknown")


# ---- honesty
def test_an_interrupted_proof_is_no_verdict() -> None:
    """Ctrl-C ends a proof with what is done, and everything is unknown; nobody is told of obligations that were not tried."""
    seen: list[str] = []

    def report(now: Progress) -> None:
        seen.append(now.note)
        if len(seen) == 4:
            raise KeyboardInterrupt

    proof = prove(lease(), Hints(), clock=time.process_time, report=report)
    assert (proof.complete, len(proof.rows)) == (False, 3)
    found = verdict(proof)
    assert (found.verdict, found.reason) == (UNKNOWN, "interrupted after 3 obligations")
    assert "init × one_holder" in seen[0]


def test_an_open_obligation_says_what_was_tried() -> None:
    """An honest unknown names the place, the lemma, and the hypotheses and options that were tried in vain."""
    found = verdict(proof_of(lease(may_lend=lend_always)))
    (reason,) = (p.reason for p in found.properties if p.name == "one_holder")
    assert reason == "not proved for lend/0 (tried itself/base, group/base, all/base)"


# ---- the command line
@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands run in an empty directory, and keep to it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_planted_bug_of_the_core_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The lemma is not proved, with a state and a step that break it; manifest and SMT-LIB files are there; the cache is the user's."""
    options = (
        "--engine",
        "prove",
        "--bug",
        "vote-in-memory",
        "--bounds",
        "nodes=2",
        "--manifest",
        "m/proof.json",
        "--smt",
        "smt",
    )
    assert lockstep.main(("check", "kraft-core", *options, "--json")) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["properties"]["votes_are_remembered"] == UNKNOWN
    assert "step: restart(n=n1, kept=0)" in found["reasons"]["votes_are_remembered"]
    manifest = json.loads(Path("m/proof.json").read_text(encoding="utf-8"))
    assert (manifest["bug"], manifest["proved"], manifest["complete"]) == ("vote-in-memory", False, True)
    files = sorted(Path("smt").iterdir())
    assert len(files) == manifest["queries"] > 500
    assert files[0].read_text(encoding="utf-8").splitlines()[0].endswith("unsatisfiable if the obligation holds")
    assert len(list((tmp_path / "cache").rglob("*.json"))) > 500


def test_evidence_that_cannot_be_written_is_refused_before_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    """A file where a directory should be, a time that is none: one line each, exit code 3."""
    Path("file").write_text("")
    for option, value in (
        ("--manifest", "file/m.json"),
        ("--smt", "file"),
        ("--cache", "file"),
        ("--second-solver", "soon"),
    ):
        assert lockstep.main(("check", "kraft-core", "--engine", "prove", option, value)) == 3
        error = capsys.readouterr().err
        assert option in error
        assert error.count("\n") == 1


def test_bugs_are_hunted_by_the_engine_that_finds_them(capsys: pytest.CaptureFixture[str]) -> None:
    """A bug of the core is found by induction, in one step; its card says how to see it."""
    assert lockstep.main(("bugs", "vote-in-memory", "--find", "--json")) == 0
    (bug,) = json.loads(capsys.readouterr().out)["bugs"]
    (hunt,) = bug["found"]
    assert (bug["found_by"], hunt["engine"], hunt["verdict"]) == ("induct", "induct", "caught")
    assert (hunt["property"], hunt["steps"]) == ("votes_are_remembered", 1)
    assert lockstep.main(("bugs", "vote-in-memory")) == 0
    assert "lockstep check kraft-core --engine induct --bug vote-in-memory" in capsys.readouterr().out


def test_one_counterexample_is_enough_for_a_hunt() -> None:
    """A bug that breaks its lemma in several steps is caught at the first: fewer queries, and one failure."""
    spec = find_bug("epochs-only")
    bug = spec.bugs["epochs-only"]
    bounds = spec.complete_bounds(bug.bounds)
    hunted = is_kept(spec, HINTS[spec.name], bounds, bug.breaks, clock=time.process_time)
    places = [(f"{a.name}/{t.path}", bug.breaks) for a in trace(spec).actions for t in a.transitions]
    asked = run_induction(spec, HINTS[spec.name], bounds, clock=time.process_time, only=places)
    assert hunted.complete
    assert [failure.counterexample is not None for failure in hunted.failures] == [True]
    assert hunted.queries < asked.queries
    assert hunted.failures[0].place in {failure.place for failure in asked.failures}


def test_the_lease_needs_no_second_opinion() -> None:
    """Without a second solver or a cache the verdict has no note."""
    found = verdict(proof_of(lease()))
    assert (found.verdict, found.note) == (HOLDS, "")
