"""Captions on the device: a decoder that says what an embedding holds (docs/captioning.md)."""

from tinyalm.captioning.results import Caption, CaptionSegment, CaptionWord

__all__ = ["Caption", "CaptionSegment", "CaptionWord"]
