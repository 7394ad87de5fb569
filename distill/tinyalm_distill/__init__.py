"""Distillation: teachers, data, cache, objectives, trainer and evaluation."""
