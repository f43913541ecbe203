"""What must hold of ZooKeeper mode, by layer."""

from properties.zookeeper.zab import SAFETY as ZAB_SAFETY
from properties.zookeeper.zab_reachable import REACHABLE as ZAB_REACHABLE

ZAB_PROPERTIES = (*ZAB_SAFETY, *ZAB_REACHABLE)
