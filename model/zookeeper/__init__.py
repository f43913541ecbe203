"""ZooKeeper mode: the ensemble's atomic broadcast, and what is built on it. One package per layer."""
