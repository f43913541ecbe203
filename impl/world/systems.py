"""Which systems a world can run, by the mode of its configuration."""

from collections.abc import Callable

from impl.world.config import WorldConfig
from impl.world.kraft.system import KraftSystem
from impl.world.system import System
from impl.world.zookeeper.system import ZooKeeperSystem

SYSTEMS: dict[str, Callable[[WorldConfig], System]] = {"kraft": KraftSystem, "zookeeper": ZooKeeperSystem}
"""The systems by mode."""


def system_for(config: WorldConfig) -> System:
    """The system of a world. Raises ValueError for an unknown mode."""
    if config.mode not in SYSTEMS:
        raise ValueError(f"unknown mode {config.mode!r}; one of {', '.join(SYSTEMS)}")
    return SYSTEMS[config.mode](config)
