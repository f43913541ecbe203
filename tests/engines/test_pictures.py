"""The state graph as text for drawing programs."""

import re

import pytest

from model.engines.export.pictures import Pictures, dot_text, mermaid_text
from model.engines.graph import state_graph
from model.language import Spec
from model.language.plain import Stepper
from model.two_phase.spec import SPEC as TWO_PHASE
from properties.registry import SPECS
from tests.language.small_networks import NETWORKS

SMALL = [
    (TWO_PHASE, {"nodes": 2}),
    (SPECS["kraft"], {"nodes": 2, "epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 0}),
    (NETWORKS, {"nodes": 1, "flight": 2}),
]


def pictures_of(spec: Spec, bounds: dict[str, int]) -> Pictures:
    """The pictures of a scope."""
    complete = spec.complete_bounds(bounds)
    return Pictures(spec, complete, state_graph(Stepper(spec, complete)))


@pytest.mark.parametrize(("spec", "bounds"), SMALL, ids=str)
def test_every_state_and_every_step_is_drawn_once(spec: Spec, bounds: dict[str, int]) -> None:
    """One box per state; one arrow per pair of states with a step between them, with a line per step."""
    pictures = pictures_of(spec, bounds)
    graph = pictures.graph
    arrows = {(a, b) for a, b, _ in graph.edges(keys=True)}
    dot, mermaid = pictures.dot(), pictures.mermaid()
    assert re.findall(r"^  (\d+) \[", dot, re.MULTILINE) == [str(n) for n in range(len(graph))]
    assert [(int(a), int(b)) for a, b in re.findall(r"^  (\d+) -> (\d+) ", dot, re.MULTILINE)] == sorted(arrows)
    assert re.findall(r'^  s(\d+)\["', mermaid, re.MULTILINE) == [str(n) for n in range(len(graph))]
    assert [(int(a), int(b)) for a, b in re.findall(r"s(\d+) -->\|.*\| s(\d+)$", mermaid, re.MULTILINE)] == sorted(
        arrows
    )
    assert sum(len(lines) for _, _, lines in pictures.steps()) == graph.number_of_edges()


def test_a_state_is_labelled_with_what_is_new_in_it() -> None:
    """Only what differs from the initial state is named, in domain words."""
    pictures = pictures_of(TWO_PHASE, {"nodes": 1})
    assert pictures.state(0) == ["0"]
    assert pictures.state(2) == ["2", "vote[n1] = PREPARED", "prepared_sent = {Prepared(manager=n1)}"]
    assert '  2 [label="2\\lvote[n1] = PREPARED\\lprepared_sent = {Prepared(manager=n1)}\\l"];' in pictures.dot()
    assert '  0 -> 2 [label="prepare(n1)"];' in pictures.dot()
    assert '  s0 -->|"prepare(n1)"| s2' in pictures.mermaid()


def test_labels_are_escaped() -> None:
    """Quotes, backslashes and HTML in a label do not end it."""
    assert dot_text('a "b"', "c\\d") == '"a \\"b\\"\\lc\\\\d\\l"'
    assert mermaid_text(['a "b" <c>', "d & #e"]) == "a &quot;b&quot; &lt;c&gt;<br/>d &amp; &num;e"
