"""What the clients of the simulated world saw, judged: their history against the sequential model of the metadata."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from impl.world.history import HistoryEvent
from properties.histories import METADATA, Event, Json, pair_events
from properties.linearizability import LinearizabilityVerdict, check
from properties.sequential_models import MetadataModel

BUDGET_STATES = 200_000
"""Configurations of the search: a bound on memory and, unlike one on time, the same on every machine."""


def events_of(history: Iterable[HistoryEvent]) -> list[Event]:
    """The world's history as events that the checker and its files know."""
    events = []
    for event in history:
        value: Json = dict(event.value) if isinstance(event.value, Mapping) else event.value
        kind: Any = event.type
        events.append(Event(event.index, event.time, event.process, kind, event.f, event.key, value, event.error))
    return events


def judge(history: Iterable[HistoryEvent], *, budget_states: float = BUDGET_STATES) -> LinearizabilityVerdict:
    """Whether a history of the world's clients is linearizable; deterministic, as no clock is asked.

    `seconds` of the verdict is 0. Raises HistoryError for an empty history.
    """
    paired = pair_events(events_of(history), METADATA, source="the clients' history")
    return check(paired, MetadataModel(), budget_seconds=math.inf, budget_states=budget_states, clock=lambda: 0.0)
