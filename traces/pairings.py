"""Which specs have an implementation to be held against, and how."""

from collections.abc import Callable, Mapping

from model.language import Spec, unknown
from traces.kraft_pairing import KRaftPairing
from traces.pairing import Pairing
from traces.zookeeper.pairing import ZabPairing

PAIRINGS: Mapping[str, Callable[[int], Pairing]] = {"kraft": KRaftPairing, "zab-ensemble": ZabPairing}
"""By the name of the spec: a pairing for so many servers."""


def pairing_for(spec: Spec, nodes: int) -> Pairing:
    """A new pairing; LookupError for a spec that has no implementation."""
    if spec.name not in PAIRINGS:
        raise LookupError(unknown("spec", spec.name, PAIRINGS, "with an implementation"))
    return PAIRINGS[spec.name](nodes)
