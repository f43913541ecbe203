"""ZooKeeper: the replicated data tree with its transactions, sessions and watches, and the ensemble that orders them.

Names, orders and error codes are those of Apache ZooKeeper 3.9 unless a comment says otherwise.
"""
