"""What must hold of Kafka on ZooKeeper. K-numbers in the modules name the claims of docs/zk-controller.md."""

from properties.zookeeper.controller.control import CONTROL
from properties.zookeeper.controller.partition import PARTITION
from properties.zookeeper.controller.reachable import REACHABLE
from properties.zookeeper.controller.reassignment import REASSIGNMENT
from properties.zookeeper.controller.records import RECORDS
from properties.zookeeper.controller.topics import TOPICS

PROPERTIES = (*CONTROL, *PARTITION, *RECORDS, *TOPICS, *REASSIGNMENT, *REACHABLE)
