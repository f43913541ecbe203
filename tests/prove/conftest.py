"""Scenarios of KRaft's core, as properties that some run reaches."""

from typing import Any

import pytest

from model.language import Node, Property, exists, sometimes


@pytest.fixture
def committed() -> Property:
    """A commit."""

    @sometimes
    def something_is_committed(s: Any) -> Any:
        """A leader has exposed a high watermark."""
        return exists(Node, lambda n: s.high_watermark[n] >= 1)

    return something_is_committed


@pytest.fixture
def diverged() -> Property:
    """A divergence."""

    @sometimes
    def a_log_diverges(s: Any) -> Any:
        """A leader has told a follower that their logs differ."""
        return s.diverged.exists(lambda m: m.end >= 1)

    return a_log_diverges
