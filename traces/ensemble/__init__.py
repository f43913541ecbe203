"""ZooKeeper's ensemble in the simulated world: what is watched while it runs, what its clients saw, how its bugs are hunted."""
