"""A captioner taught on text alone (docs/captioning.md)."""
