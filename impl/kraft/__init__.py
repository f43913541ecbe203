"""A KRaft voter as Apache Kafka implements it, as a pure step function: `node.step(state, event) -> (state', effects)`.

Baseline: trunk of October 2024 (between 3.9 and 4.0), static voters. Left out on purpose, each said again where it
matters: pre-vote, observers, snapshots, reconfiguration, check quorum, EndQuorumEpoch and graceful shutdown, cluster
ids, directory ids.
"""
