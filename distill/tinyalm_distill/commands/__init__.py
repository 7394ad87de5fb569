"""The commands of `tinyalm distill`, one module each."""
