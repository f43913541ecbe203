"""Names in a TLA+ module. TLA+ forbids shadowing: no bound name, parameter or definition may be called like anything in scope.

Names of the spec are kept where that is possible, and otherwise get `_` or a number at the end.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_RESERVED = """
ACTION ASSUME ASSUMPTION AXIOM BY CASE CHOOSE CONSTANT CONSTANTS COROLLARY DEF DEFINE DEFS DOMAIN ELSE ENABLED EXCEPT
EXTENDS HAVE HIDE IF IN INSTANCE LAMBDA LEMMA LET LOCAL MODULE NEW OBVIOUS OMITTED ONLY OTHER PICK PROOF PROPOSITION PROVE
QED RECURSIVE SF_ STATE SUBSET SUFFICES TAKE TEMPORAL THEN THEOREM UNCHANGED UNION USE VARIABLE VARIABLES WF_ WITH WITNESS
TRUE FALSE BOOLEAN STRING
"""
_STANDARD = """
Nat Int Real Seq Len Append Head Tail SubSeq SelectSeq Cardinality IsFiniteSet EmptyBag IsABag BagToSet SetToBag BagIn
BagUnion BagOfAll BagCardinality CopiesIn SubBag Sum
"""

RESERVED = frozenset(_RESERVED.split())
"""Reserved words of TLA+ (and the constants of its logic): no identifier and no record field may be one."""

STANDARD = frozenset(_STANDARD.split())
"""What the modules Integers, Sequences, FiniteSets and Bags define."""

_NOT_A_LETTER = re.compile(r"[^A-Za-z0-9_]")


def camel(name: str) -> str:
    """`handle_vote_request` and `two-phase` as TLA+ spells operators and modules: `HandleVoteRequest`, `TwoPhase`."""
    parts = [p for p in re.split(r"[^A-Za-z0-9]+", name) if p]
    return identifier("".join(p[0].upper() + p[1:] for p in parts))


def identifier(name: str) -> str:
    """A name with the characters that TLA+ allows, at least one of them a letter; reserved words get `_`."""
    text = _NOT_A_LETTER.sub("_", name)
    if not any(c.isalpha() for c in text) or text.startswith(("WF_", "SF_")):
        text = f"x{text}"
    return f"{text}_" if text in RESERVED else text


class Scope:
    """The names in scope: those of the module, and inside of `inner` more, which are free again afterwards."""

    def __init__(self) -> None:
        self._taken: set[str] = set(RESERVED | STANDARD)
        self._journals: list[set[str]] = []

    def claim(self, wanted: str) -> str:
        """A name like `wanted` that nothing in scope has, from now on taken."""
        name = identifier(wanted)
        if name in self._taken and f"{name}_" not in self._taken:
            name = f"{name}_"
        base, number = name, 2
        while name in self._taken:
            name, number = f"{base}{number}", number + 1
        self._taken.add(name)
        for journal in self._journals:
            journal.add(name)
        return name

    @contextmanager
    def inner(self) -> Iterator[None]:
        """Names claimed inside are free again outside."""
        before = set(self._taken)
        try:
            yield
        finally:
            self._taken = before

    def claim_all(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """Several names in order."""
        return tuple(self.claim(name) for name in wanted)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Names claimed inside stay taken outside, also those of inner scopes: the text will stand inside of another binder."""
        journal: set[str] = set()
        self._journals.append(journal)
        try:
            yield
        finally:
            self._journals.pop()
            self._taken |= journal
