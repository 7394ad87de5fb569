"""What was computed once, kept by content: stores of rows in shards (docs/cache.md)."""

from tinyalm_distill.cache.ahead import ahead
from tinyalm_distill.cache.store import Key, Say, Store, key_of
from tinyalm_distill.cache.turns import Turns, in_groups, world

__all__ = ["Key", "Say", "Store", "Turns", "ahead", "in_groups", "key_of", "world"]
