"""Zab as ZooKeeper implements it: election, synchronisation and broadcast, in one feature per file; `spec.py` puts it together."""
