"""Two-phase commit (Gray and Lamport, "Consensus on Transaction Commit", section 3): the smallest full example."""
