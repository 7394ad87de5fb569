"""CLAP teachers: sounds and texts in one space, from checkpoints of several makers."""
