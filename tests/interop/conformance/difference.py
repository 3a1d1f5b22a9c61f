"""What one expected difference is; see differences.py."""
from collections import namedtuple

Difference = namedtuple("Difference", "topic what zookeeper synod reason steps", defaults=((),))
