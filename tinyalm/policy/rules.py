"""A policy: the tasks, labels and inferences that an application may ask for, and no others."""

from collections.abc import Iterable
from typing import Literal, TypeAlias, get_args

import msgspec

from tinyalm.errors import ConfigError, TinyalmError

FORMAT_VERSION = 1

Task: TypeAlias = Literal["tag", "listen", "index", "search", "learn", "embed", "caption"]
Category: TypeAlias = Literal["identity", "age", "gender", "emotion", "health", "ethnicity"]
Speech: TypeAlias = Literal["keep", "project", "drop", "refuse"]
Family: TypeAlias = Literal[
    "speech", "voice", "body", "animals", "music", "nature", "vehicles", "home", "alarms",
    "machines", "explosions", "materials", "scenes",
]  # fmt: skip

TASKS: tuple[Task, ...] = get_args(Task)
CATEGORIES: tuple[Category, ...] = get_args(Category)
_CHOICES = {
    "tasks": TASKS,
    "families": get_args(Family),
    "sensitive": CATEGORIES,
    "speech": get_args(Speech),
}


class PolicyError(TinyalmError):
    """What was asked is not allowed by the policy in force."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be asked. Only what it names is allowed.

    Attributes:
        tasks: the tasks.
        name: what messages and the audit log call it; a policy file's own path by default.
        labels: texts that may be asked for, however they are capitalised; where there are neither
            ``labels`` nor ``families``, any text.
        families: families of AudioSet's labels that may be asked for (docs/privacy.md).
        sensitive: inferences about persons that may be asked for; by default none.
        speech: what becomes of speech: ``keep`` treats it as any sound; ``project`` and ``drop``
            take it out of what an index stores; ``refuse`` never answers for windows of it either.
        retention_days: days after which an index forgets a recording; None for never.
        audit: file of the audit log; None for none. In a policy file relative to its folder.
        format_version: of the policy file.

    Raises:
        ConfigError: a value that is none of those allowed.
    """

    tasks: tuple[Task, ...]
    name: str = "policy"
    labels: tuple[str, ...] | None = None
    families: tuple[Family, ...] | None = None
    sensitive: tuple[Category, ...] = ()
    speech: Speech = "keep"
    retention_days: float | None = None
    audit: str | None = None
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        """Refuse what is no policy, and make lists unchangeable."""
        for field in ("tasks", "labels", "families", "sensitive"):
            value = getattr(self, field)
            if isinstance(value, str):
                raise ConfigError(f"{field} is the one text {value!r}; give a list")
            if value is not None:
                msgspec.structs.force_setattr(self, field, tuple(value))
                _check(field, value)
        _check("speech", (self.speech,))
        if self.retention_days is not None and not 0 < self.retention_days < float("inf"):
            raise ConfigError(f"retention_days is {self.retention_days}; it must be above 0")
        if self.format_version != FORMAT_VERSION:
            raise ConfigError(
                f"format_version is {self.format_version}, and this tinyalm reads {FORMAT_VERSION}"
            )


def _check(field: str, values: Iterable[object]) -> None:
    allowed = _CHOICES.get(field)
    for value in values:
        if allowed is None and not (isinstance(value, str) and value.strip()):
            raise ConfigError(f"{field}: {value!r} is no text; write it in words")
        if allowed is not None and value not in allowed:
            raise ConfigError(f"{field}: {value!r} is none of {', '.join(allowed)}")


# Where nobody gave a policy: every task, and no sensitive inference.
DEFAULT = Policy(tasks=TASKS, name="the default policy")
