"""Captions on the device: a decoder that says what an embedding holds (docs/captioning.md)."""
