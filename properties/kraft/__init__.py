"""What must hold of KRaft, by theme. Written once: evaluated on states of the spec and on abstracted states of the implementation."""

from properties.kraft.commit import COMMIT
from properties.kraft.election import ELECTION
from properties.kraft.log import LOG
from properties.kraft.reachable import REACHABLE

PROPERTIES = (*ELECTION, *LOG, *COMMIT, *REACHABLE)
