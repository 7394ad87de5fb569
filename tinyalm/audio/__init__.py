"""Recordings of any kind as mono float32 samples at a wanted rate."""

from tinyalm.audio.reading import SUFFIXES, Source, blocks, name, read

__all__ = ["SUFFIXES", "Source", "blocks", "name", "read"]
