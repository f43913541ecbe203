"""Fairness, liveness and symmetry in the exported modules: what is written, and under TLC where there is one that it says the same."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from model.engines.compiled.explore import explore_compiled
from model.engines.export.tla import Companion, TlaModule, export_tla
from model.engines.export.tlc_traces import lasso_module
from model.engines.liveness import check_liveness
from model.engines.verdict import HOLDS, VIOLATED, SpecTrace
from model.language import Spec
from model.language.ground_spec import ground
from model.language.trace import trace
from properties.registry import find_spec
from tests.engines.liveness_toys import door, tour
from tests.engines.tla_reader import read_module
from tests.engines.tlc import JAR, tlc_output

LIVE = find_spec("kraft-live")
TINY = {"nodes": 2, "epochs": 1, "elections": 1, "log": 1, "restarts": 0}
WEAK = {"open_door": "weak", "close_door": "weak", "walk_through": "weak"}
CASES: dict[str, tuple[Spec, Mapping[str, int], str]] = {
    "door, weak": (door(WEAK), {}, VIOLATED),
    "door, strong": (door({**WEAK, "walk_through": "strong"}), {}, HOLDS),
    "tour, as a whole": (tour({"visit": "strong"}), {}, VIOLATED),
    "tour, each node": (tour({"visit": "weak per instance"}), {}, HOLDS),
    "kraft-live": (LIVE, {**TINY, "log": 2}, HOLDS),
}


def test_fairness_is_of_actions_nodes_and_messages() -> None:
    """WF and SF per action, per choice of its arguments, and per message, which has a name in the module for that."""
    module = export_tla(LIVE, TINY)
    assert module.fair is not None
    text = module.fair.text
    assert "  /\\ \\A n \\in Node : SF_vars(StartElection(n))\n" in text
    assert "  /\\ \\A leader_ \\in Node, value \\in Value : WF_vars(AppendRecord(leader_, value))\n" in text
    assert re.search(r"request \\in \[candidate : Node, .*\] : WF_vars\(HandleVoteRequestOf\(voter, request\)\)", text)
    assert "FairSpec == Spec /\\ Fairness" in text
    assert "Restart" not in text
    head = "HandleVoteResponse ==\n  \\E response \\in vote_responses : HandleVoteResponseOf(response)"
    assert head in module.text or head.replace("\n ", "") in module.text
    assert "HandleVoteResponseOf(response) ==\n  /\\ response \\in vote_responses\n" in module.text
    assert read_module(module.text).name == "KraftLive"


def test_the_configuration_checks_liveness_of_fair_behaviours() -> None:
    """SPECIFICATION FairSpec, and every `eventually` as a PROPERTY; a spec without liveness has no such module."""
    fair = export_tla(LIVE, TINY).fair
    assert fair is not None
    assert "SPECIFICATION FairSpec\n" in fair.cfg
    assert fair.cfg.split("PROPERTIES\n")[1].split() == [
        "ALeaderEmerges",
        "TheClientRecordCommits",
        "EverybodyLearnsOfTheCommit",
        "ALostLeaderIsReplaced",
    ]
    assert export_tla(find_spec("kraft"), {}).fair is None


def test_a_spec_without_fairness_is_written_as_before() -> None:
    """Only actions of which fairness speaks per message have a second operator; kraft has none."""
    assert "Of(" not in export_tla(find_spec("kraft"), {}).text


def test_symmetry_is_in_the_configuration_when_it_is_asked_for() -> None:
    """A module with the permutations of the nodes, and SYMMETRY in its configuration, for invariants only."""
    module = export_tla(find_spec("kraft"), {}, symmetry=True)
    assert module.symmetric is not None
    assert "NodeSymmetry == Permutations(Node)" in module.symmetric.text
    assert "SYMMETRY NodeSymmetry\n" in module.symmetric.cfg
    assert "PROPERTIES" not in module.symmetric.cfg
    assert export_tla(find_spec("kraft"), {}).symmetric is None


def write(directory: Path, module: TlaModule, companion: Companion) -> None:
    """The main module and one that extends it, as TLC wants them."""
    (directory / f"{module.name}.tla").write_text(module.text, encoding="utf-8")
    (directory / f"{companion.name}.tla").write_text(companion.text, encoding="utf-8")
    (directory / f"{companion.name}.cfg").write_text(companion.cfg, encoding="utf-8")


if JAR is not None:

    @pytest.mark.parametrize("name", CASES)
    def test_tlc_says_the_same_of_liveness(name: str, tmp_path: Path) -> None:
        """Under the same fairness, TLC holds and violates what Lockstep does."""
        spec, bounds, expected = CASES[name]
        found = check_liveness(ground(trace(spec), spec.complete_bounds(bounds)), spec.properties, clock=lambda: 0.0)
        assert {p.verdict for p in found} == {expected}
        module = export_tla(spec, bounds)
        assert module.fair is not None
        write(tmp_path, module, module.fair)
        output = tlc_output(tmp_path, module.fair.name)
        violated = re.search(r"Temporal propert(y .* was|ies were) violated", output) is not None
        assert violated is (expected == VIOLATED), output[-2000:]
        assert ("Model checking completed. No error has been found." in output) is (expected == HOLDS)

    @pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2] == VIOLATED])
    def test_tlc_confirms_a_lasso(name: str, tmp_path: Path) -> None:
        """TLC follows the lasso for ever, and finds it fair and the property violated; a run that stops earlier is not fair."""
        spec, bounds, _ = CASES[name]
        complete = spec.complete_bounds(bounds)
        (found,) = check_liveness(ground(trace(spec), complete), spec.properties, clock=lambda: 0.0)
        assert found.trace is not None
        module = export_tla(spec, complete)
        assert _violated_for_ever(tmp_path, module, complete, found.trace, found.name)
        last = len(found.trace.steps) - 1
        stopped = SpecTrace(found.trace.steps[:last], found.trace.states[: last + 1], loop=last)
        assert not _violated_for_ever(tmp_path, module, complete, stopped, found.name)

    def _violated_for_ever(
        directory: Path, module: TlaModule, bounds: Mapping[str, int], lasso: SpecTrace, claim: str
    ) -> bool:
        """Whether a lasso is, for TLC, a fair behaviour of the module that violates a property."""
        follower = lasso_module(module, bounds, lasso, claim)
        assert module.fair is not None
        write(directory, module, module.fair)
        (directory / f"{follower.name}.tla").write_text(follower.text, encoding="utf-8")
        (directory / f"{follower.name}.cfg").write_text(follower.cfg, encoding="utf-8")
        output = tlc_output(directory, follower.name)
        assert f" {len(lasso.states)} distinct states found, 0 states left" in output, output[-2000:]
        violated = re.search(r"Temporal propert(y .* was|ies were) violated", output) is not None
        assert violated or "Model checking completed. No error has been found." in output, output[-2000:]
        return violated

    def test_tlc_has_as_many_representatives(tmp_path: Path) -> None:
        """Up to the names of nodes, TLC counts the same distinct states."""
        spec = find_spec("two-phase")
        module = export_tla(spec, {"nodes": 4}, symmetry=True)
        assert module.symmetric is not None
        write(tmp_path, module, module.symmetric)
        output = tlc_output(tmp_path, module.symmetric.name)
        ours = explore_compiled(spec, {"nodes": 4}, clock=lambda: 0.0, symmetric=True)
        assert f" {ours.distinct} distinct states found, 0 states left" in output
