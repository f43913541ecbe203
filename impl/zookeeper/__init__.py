"""ZooKeeper: the ensemble that orders transactions, and the data tree with its sessions and watches that they change.

Names, orders and error codes are those of Apache ZooKeeper 3.9.4 unless a comment says otherwise. A server of the ensemble is
a pure step function, `node.step(state, event) -> (state', effects)`. Left out on purpose, each said again where it matters:
observers, reconfiguration, weights and oracles, local sessions, read-only mode, authentication.
"""
