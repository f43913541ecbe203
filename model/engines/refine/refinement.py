"""What it takes to say that one spec refines another: which abstract state a state stands for, and which steps a step stands for.

`state` maps *node by node*: it writes one node's part of the abstract state from the same node's part of the concrete state, and
sends the abstract messages that this part calls for. Abstract messages are compared by inclusion: the abstract run must have sent at
least those. That is sound because the abstract spec looks for messages only to receive them, and its networks only grow
(`check_abstract` refuses others): whatever a run can do, it can do with more messages as well. A step is looked at with no more messages
than the state before it calls for, so no history of the abstract run is needed.

What is no node's is *shared*, and `shared` maps it in the same way: the shared part of the abstract state from that of the concrete one.
It is involved in every step.

The concrete spec may be looked at with *history*: a spec with more variables (`ghost_`) that its actions only write, so that the
mapping can say what the protocol has forgotten. Its steps are the steps of the spec.

`steps` names, for each concrete action, the abstract steps that a step of it stands for; none for a stutter. They are *witnesses*: a
step that is a few abstract steps by another way than the one named does not count.

History (`ghost_`) and counters (`aux_`) of the abstract spec are left out: no guard reads them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from model.language import Node, Spec, SpecError
from model.language.analysis import is_ghost
from model.language.declare import STALE, Declaration, FnDecl
from model.language.graph import MESSAGE_BINDERS, Term, postorder
from model.language.transition import Guard, Send, TracedSpec

Call = tuple[Any, ...]
"""A step by name: the action, then its arguments."""

REFINEMENT = "refinement"
"""The kind of claim in verdicts and traces."""


@frozen
class Refinement:
    """How the states and steps of a spec map to those of another.

    `state(s, a, n)` writes node n's part of the abstract state a from the concrete state s, `shared(s, a)` what is no node's.
    `steps[action](s, t, *args)` yields the abstract steps (name, arguments ...) that the step from s to t stands for. Both see of s and
    t the `reads` (variables and networks), and of these the parts of the nodes that are involved. `history(spec)` is the concrete
    spec with history. `unused` are abstract actions that no step stands for, and why; `unlimited` are bounds of the abstract spec that
    do not come from the concrete one.
    """

    abstract: Spec = field(repr=False)
    reads: tuple[str, ...]
    state: Callable[[Any, Any, Any], None]
    steps: Mapping[str, Callable[..., Iterator[Call]]]
    unused: Mapping[str, str] = field(factory=dict)
    unlimited: Mapping[str, int] = field(factory=dict)
    shared: Callable[[Any, Any], None] | None = None
    history: Callable[[Spec], Spec] | None = None

    def with_history(self, concrete: Spec) -> Spec:
        """The concrete spec as it is looked at: with its history, if there is any."""
        return concrete if self.history is None else self.history(concrete)

    def bounds(self, concrete: Mapping[str, int]) -> dict[str, int]:
        """The bounds of the abstract spec, in which every message ever sent can arrive."""
        wanted = {**concrete, **self.unlimited, STALE: 1}
        defaults = self.abstract.complete_bounds({})
        return self.abstract.complete_bounds({name: value for name, value in wanted.items() if name in defaults})


def is_compared(name: str) -> bool:
    """Whether an abstract variable is compared: history and counters are not."""
    return not is_ghost(name) and not name.startswith("aux_")


def is_by_node(declaration: Declaration) -> bool:
    """Whether a variable has a part per node."""
    return isinstance(declaration, FnDecl) and bool(declaration.args) and declaration.args[0] is Node


def check_abstract(traced: TracedSpec, *, shared: bool = False) -> None:
    """Raise a SpecError if comparing messages by inclusion would not be sound for this spec, or it has a part that is not mapped.

    `shared`: what is no node's is mapped.
    """
    for name, declaration in traced.spec.state.variables.items():
        if isinstance(declaration, FnDecl) and is_compared(name) and not is_by_node(declaration) and not shared:
            raise SpecError(f"{traced.spec.name} has the variable {name}, which is no node's", "say what is `shared`")
    for action in traced.actions:
        for transition in action.transitions:
            read = [c.term if isinstance(c, Guard) else c.body for c in transition.conditions]
            for variable, updates in transition.updates.items():
                if is_compared(traced.functions[variable].variable):
                    read += [term for u in updates for term in (u.value, *u.index)]
            for effect in transition.effects:
                if not isinstance(effect, Send):
                    where = f"action {action.name} takes messages out of {effect.network}"
                    raise SpecError(where, "let the network grow", effect.where)
                read += effect.fields
            for term in (t for whole in read for t in postorder(whole)):
                _check_read(traced, action.name, term)


def _check_read(traced: TracedSpec, action: str, term: Term) -> None:
    """Raise a SpecError if a guard, update or message looks into a network, or at what is not compared."""
    if term.op == "contains" or term.op in MESSAGE_BINDERS:
        raise SpecError(f"action {action} looks into {term.args[0]}", "receive the message instead", term.where)
    if term.op == "app" and not is_compared(traced.functions[term.args[0]].variable):
        raise SpecError(f"action {action} reads {term.args[0]}, which is not compared", "do without", term.where)
