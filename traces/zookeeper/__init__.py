"""ZooKeeper's implementation held against the spec `zab-ensemble`."""
