"""The specification of KRaft mode: Kafka's Raft quorum, one protocol feature per file."""
