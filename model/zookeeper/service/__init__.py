"""What clients see of a ZooKeeper ensemble: znodes, sessions, watches, reads and writes. The spec `zookeeper`."""
