"""Zab's core in the fragment that is proved for any number of nodes, epochs and transactions."""
