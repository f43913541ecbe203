"""Proofs for any number of nodes, epochs and log entries: induction over steps, one short query per action and lemma."""
