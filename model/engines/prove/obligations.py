"""What has to be proved of a spec: its lemmas hold initially and are kept by every path of every action, and what follows from them.

| place       | obligation                                                                                             |
|-------------|--------------------------------------------------------------------------------------------------------|
| `init`      | a lemma holds initially                                                                                |
| `action/n`  | path n of the action keeps a lemma, given all lemmas before; by *frame* if it writes nothing that the lemma reads |
| `derived`   | a property follows from the lemmas it is derived from                                                 |
| `the`       | the element that an action takes by `the` is the only one                                              |
"""

from collections.abc import Iterator

from attrs import field, frozen

from model.engines.prove.fragment import check_fragment
from model.engines.prove.goals import Goal, arbitrary_element, goals
from model.engines.prove.poststate import PostState
from model.language import SpecError, unknown
from model.language.analysis import accesses
from model.language.graph import Term
from model.language.hints import Hints
from model.language.sorts import Bool, Quorum
from model.language.transition import Guard, SymbolicParameter, TracedAction, TracedSpec, Transition, Witness

INIT, DERIVED, UNIQUE = "init", "derived", "the"


@frozen(eq=False)
class Step:
    """A path of an action as hypotheses: what its parameters, guards and witnesses say about the state before."""

    action: str
    path: int
    given: tuple[Term, ...]
    witnesses: tuple[Witness, ...]
    transition: Transition

    @property
    def place(self) -> str:
        """The name of the path in tables."""
        return f"{self.action}/{self.path}"


@frozen(eq=False)
class Obligation:
    """One claim at one place, as goals. `hypotheses` are names of lemmas; without `goals` and by `frame`, nothing is left to do."""

    place: str
    claim: str
    goals: tuple[Goal, ...]
    hypotheses: tuple[str, ...]
    step: Step | None = None
    frame: bool = False


@frozen(eq=False)
class Induction:
    """A spec's lemmas, by name: the inductive ones and the derived ones, and what each reads."""

    traced: TracedSpec
    hints: Hints
    lemmas: dict[str, Term] = field(repr=False)
    derived: dict[str, tuple[str, ...]]
    reads: dict[str, frozenset[str]] = field(repr=False)

    @classmethod
    def of(cls, traced: TracedSpec, hints: Hints) -> "Induction":
        """The induction over a spec's `always` properties; SpecError if a hint names none, or the prover cannot read the spec."""
        lemmas = {p.property.name: p.term for p in traced.properties if p.property.kind == "always"}
        named = (*hints.triggers, *hints.emits, *hints.groups, *hints.derived)
        for name in (*named, *(n for names in hints.derived.values() for n in names)):
            if name not in lemmas and name not in {p.name for p in traced.spec.properties}:
                raise SpecError(
                    unknown("lemma", name, lemmas, f"in the hints of {traced.spec.name}"),
                    "hints go by the lemma's name",
                )
        check_fragment(traced, lemmas.values())
        derived = {
            name: tuple(n for n in names if n in lemmas) for name, names in hints.derived.items() if name in lemmas
        }
        reads = {name: frozenset(a.name for a in accesses(term)) for name, term in lemmas.items()}
        return cls(traced, hints, lemmas, derived, reads)

    @property
    def inductive(self) -> tuple[str, ...]:
        """The lemmas that are proved by induction, in order."""
        return tuple(name for name in self.lemmas if name not in self.derived)

    def steps(self) -> Iterator[Step]:
        """Every path of every action."""
        for action in self.traced.actions:
            for transition in action.transitions:
                yield as_step(self.traced, action, transition)

    def obligations(self) -> Iterator[Obligation]:
        """Everything that has to be proved, in a fixed order."""
        graph, inductive = self.traced.graph, self.inductive
        start = PostState.at_start(self.traced)
        for name in inductive:
            yield Obligation(INIT, name, goals(graph, start.claim(self.lemmas[name])), ())
        yield from self.derivations()
        for step in self.steps():
            yield from self.kept_by(step)

    def derivations(self) -> Iterator[Obligation]:
        """What has to follow from lemmas in one state."""
        for name, names in self.derived.items():
            yield Obligation(DERIVED, name, goals(self.traced.graph, self.lemmas[name]), names)

    def kept_by(self, step: Step) -> Iterator[Obligation]:
        """What has to be proved of one path of an action."""
        yield from self._unique(step)
        after = PostState.after(self.traced, step.transition)
        for name in self.inductive:
            if self.reads[name].isdisjoint(after.writes):
                yield Obligation(step.place, name, (), (), step, frame=True)
            else:
                claim = after.claim(self.lemmas[name])
                yield Obligation(step.place, name, goals(self.traced.graph, claim), self.inductive, step)

    def _unique(self, step: Step) -> Iterator[Obligation]:
        """Per `the` of a path: another element that satisfies the same is the same."""
        graph = self.traced.graph
        for witness in step.witnesses:
            if witness.kind == "the":
                other = arbitrary_element(graph, witness.var)
                same = graph.make("eq", (witness.var, other), Bool)
                claim = graph.substitute(witness.body, {witness.var.id: other})
                goal = Goal((claim,), same, {witness.var.id: other})
                yield Obligation(step.place, f"{UNIQUE} {witness.var.args[0]}", (goal,), self.inductive, step)


def as_step(traced: TracedSpec, action: TracedAction, transition: Transition) -> Step:
    """A path of an action as hypotheses."""
    given = [received for p in action.parameters if (received := _received(traced, p)) is not None]
    quorums = [w for w in transition.witnesses if w.kind == "quorum"]
    witnesses: list[Witness] = []
    for condition in transition.conditions:
        if isinstance(condition, Witness):
            witnesses.append(condition)
            given.append(_said(traced, condition))
        elif condition.term.op != "is_quorum":
            given.append(condition.term)
        elif not any(_same_set(traced, condition.term, w) for w in quorums):
            witness = _majority(traced, condition, len(witnesses))
            witnesses.append(witness)
            given.append(_said(traced, witness))
    return Step(action.name, transition.path, tuple(given), tuple(witnesses), transition)


def _received(traced: TracedSpec, parameter: SymbolicParameter) -> Term | None:
    """That a message parameter is in its network."""
    network = parameter.parameter.network
    return None if network is None else traced.graph.make("contains", (network, *parameter.variables), Bool)


def _said(traced: TracedSpec, witness: Witness) -> Term:
    """What a witness is known to satisfy."""
    graph = traced.graph
    if witness.kind == "the":
        return witness.body
    inside = graph.make("member", (witness.bound, witness.var), Bool)
    return graph.make("forall", ((witness.bound,), graph.make("implies", (inside, witness.body), Bool)), Bool)


def _same_set(traced: TracedSpec, majority: Term, witness: Witness) -> bool:
    """Whether a guard asks for the majority that a witness names already."""
    (bound,), body = majority.args
    return traced.graph.substitute(body, {bound.id: witness.bound}) is witness.body


def _majority(traced: TracedSpec, guard: Guard, place: int) -> Witness:
    """The majority that a guard says there is."""
    (bound,), body = guard.term.args
    variable = traced.graph.var("majority", "majority", place, Quorum)
    return Witness(variable, "quorum", bound, body, guard.where)


def exact_majorities(traced: TracedSpec, step: Step) -> list[Term]:
    """That a step's majorities are exactly the nodes that satisfy their condition: so it is within bounds; a proof does not need it."""
    graph, found = traced.graph, []
    for witness in step.witnesses:
        if witness.kind == "quorum":
            inside = graph.make("member", (witness.bound, witness.var), Bool)
            exactly = graph.make("eq", (inside, witness.body), Bool)
            found.append(graph.make("forall", ((witness.bound,), exactly), Bool))
    return found
