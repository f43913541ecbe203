"""Liveness: does every fair run reach what it should? Decided on the graph of the states in which it has not been reached yet.

**Fairness** is what the spec declares per action (`model.language.spec.FAIRNESS`, as TLA+'s WF and SF). An action is *enabled* where some
step of it changes the state, also if the bounds cut that step: the protocol could take it. An action without fairness may never
happen, so a run may also stop for ever wherever no fair action is enabled.

**The graph** (`build.py` and `compiled.py` explore it; `explored.py`, `graph.py`) has the states in which the property is still
owed, as reached by runs on which it is owed all the way, the steps between them, and for each state the fair actions enabled there. A
run that owes the property for ever stays in it, and the states that it visits again and again are strongly connected. Such a set of
states carries a fair run iff (`fair.py`)

* every weakly fair action is disabled in one of them, or taken between two of them;
* every strongly fair action is disabled in all of them, or taken between two of them.

If it fails for a weak action it fails for every smaller set; if it fails for a strong one, the states where that is enabled are left out
and what remains is split again (Streett emptiness, as in Emerson and Lei 1987). What survives is walked round once, meeting every
condition on the way (`lasso.py`), and replayed in the plain reading, which judges step, closing step, property and fairness by itself.

**Bounds.** A step that the bounds cut leads out of the graph, and nothing is known of the run afterwards.

| Found                          | Verdict    | Why it is sound                                                                |
|--------------------------------|------------|--------------------------------------------------------------------------------|
| a fair lasso                   | `violated` | it is a run of the protocol itself: what is cut counts as enabled and not taken |
| no fair lasso, no cut step     | `holds`    | a run that owes the property for ever would have to stay inside                |
| no fair lasso, but a cut step  | `unknown`  | a beginning of a run can always go on fairly, so some fair run leaves the bounds |

A claim with a trigger (leads to) is about every trigger within the bounds, as an invariant is about every state within them; if
nothing triggers it, it is `unknown`, not held for nothing.
"""

from model.engines.liveness.check import check_liveness, is_asked, with_liveness
from model.engines.liveness.compiled import with_compiled_liveness
from model.engines.liveness.lasso import unfairly_treated

__all__ = ["check_liveness", "is_asked", "unfairly_treated", "with_compiled_liveness", "with_liveness"]
