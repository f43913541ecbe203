"""What a prover needs besides a spec and its lemmas: which lemmas imply which, and where to instantiate them.

Hints are written beside the lemmas and never change what is claimed: a wrong hint makes a proof fail, not succeed. They are functions of
the state and of the variables of the lemma's outermost `forall`, in the same words.

* A *trigger* names terms; the lemma is instantiated where terms of that shape occur. It is a term, a tuple of terms (all have to
  occur), or a list of alternatives. Whoever states a lemma about all messages of a network needs none.
* A *marker* is a note without meaning: `marker("choosable", e, i, q)` holds of everything. It gives quantifiers over what has no term
  of its own (a quorum, an index in a guard) something to be triggered by. The variables of a lemma that is being proved are marked by
  the markers in its triggers; a lemma that introduces something *emits* markers for it. The marker QUORUM says that the intersection
  with every other marked quorum matters.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from model.language.graph import Term
from model.language.reading import reading
from model.language.symbolic import SymbolicState
from model.language.tracer import Tracer
from model.language.transition import TracedSpec

QUORUM = "quorum"
"""The marker of quorums whose members two of them have in common is asked for."""

Hint = Callable[..., Any]


@frozen(eq=False)
class Marker:
    """A note on some terms."""

    name: str
    terms: tuple[Term, ...]


def marker(name: str, *terms: Any) -> Marker:
    """A note on some terms; see the module."""
    return Marker(name, terms)


@frozen
class Hints:
    """How to prove a spec's lemmas. Everything is by the name of the property.

    `derived`: a property that follows, in one state, from the named lemmas; all other `always` properties are proved by induction.
    `triggers`, `emits`: functions of the state and the variables of the lemma's outermost `forall`.
    `groups`: lemmas that are likely to be enough for a lemma; those are tried before all of them.
    """

    derived: Mapping[str, tuple[str, ...]] = field(factory=dict)
    triggers: Mapping[str, Hint] = field(factory=dict)
    emits: Mapping[str, Hint] = field(factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(factory=dict)

    def only(self, names: Iterable[str]) -> "Hints":
        """The hints that are about these properties alone."""
        kept = frozenset(names)
        return Hints(
            derived={n: tuple(f for f in froms if f in kept) for n, froms in self.derived.items() if n in kept},
            triggers={n: hint for n, hint in self.triggers.items() if n in kept},
            emits={n: hint for n, hint in self.emits.items() if n in kept},
            groups={n: tuple(g for g in group if g in kept) for n, group in self.groups.items() if n in kept},
        )


def evaluate(traced: TracedSpec, hint: Hint, variables: tuple[Term, ...]) -> Any:
    """What a hint says about a lemma's variables, as terms of the traced spec's graph."""
    tracer = Tracer(traced.spec)
    tracer.graph = traced.graph
    with reading(tracer), tracer.running("a hint"):
        return hint(SymbolicState(tracer), *variables)
