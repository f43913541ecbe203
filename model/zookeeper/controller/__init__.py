"""Kafka's controller and brokers on ZooKeeper."""
