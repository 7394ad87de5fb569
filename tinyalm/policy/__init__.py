"""What may be asked of a model, enforced by code (docs/privacy.md)."""

from tinyalm.policy.rules import Category, Policy, PolicyError, Speech, Task

__all__ = ["Category", "Policy", "PolicyError", "Speech", "Task"]
