"""Kafka 3.9 in ZooKeeper mode: brokers that are clients of an ensemble, one of which is the controller.

One process is one pure step function (`node.py`). Source: kafka.controller, kafka.zk, kafka.zookeeper, kafka.cluster,
kafka.server. Written from the protocol alone; it shares no code with the specification.
"""
