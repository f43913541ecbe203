"""ZooKeeper in the simulated world: its disk, its snapshot, its clients' language."""
