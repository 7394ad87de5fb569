"""Torch modules of students: the one place of `tinyalm` that imports torch."""
