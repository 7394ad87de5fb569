"""The guard of a model: whatever is asked of it is asked of its policies first."""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinyalm.policy.rules import DEFAULT, Category, Policy, PolicyError, Task

if TYPE_CHECKING:
    from tinyalm.policy.audit import AuditLog
    from tinyalm.policy.concepts import Concepts

Rows = NDArray[np.float32]
_SAME = 0.5  # least cosine of a given vector to what the bundle makes of its own label


class Guard:
    """What one model may be asked. Every policy must allow it; nothing widens them.

    Texts that are labels of the bundle's own are no free text: its maker chose them. Others must
    neither name a sensitive inference (`words`) nor be nearest to one (`concepts`).

    Args:
        policies: those in force; without any, `DEFAULT` is.
        own: labels of the bundle's own.
        embed: texts to embeddings, (n, dim) float32; None where nothing reads texts.
        concepts: the phrases that texts are compared with, made when first needed.
    """

    def __init__(
        self,
        policies: tuple[Policy, ...] = (),
        own: Collection[str] = (),
        embed: Callable[[Sequence[str]], Rows] | None = None,
        concepts: "Callable[[], Concepts] | None" = None,
    ) -> None:
        self.given = bool(policies)
        self._policies = policies or (DEFAULT,)
        self._own, self._embed, self._concepts = frozenset(map(_folded, own)), embed, concepts
        self._logs = [self._log(policy) for policy in self._policies]
        self._passed: tuple[tuple[str, ...], Rows | None] | None = None

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Those in force."""
        return self._policies

    @property
    def speech(self) -> frozenset[str]:
        """What all policies together want of speech."""
        return frozenset(policy.speech for policy in self._policies) - {"keep"}

    @property
    def retention_days(self) -> float | None:
        """The shortest retention of all policies; None where none has one."""
        given = [p.retention_days for p in self._policies if p.retention_days is not None]
        return min(given, default=None)

    def ask(
        self,
        tasks: Task | tuple[Task, ...] | None,
        texts: Sequence[str] = (),
        rows: Rows | None = None,
        read: Sequence[str] | None = None,
    ) -> None:
        """Make sure that something may be done, and log it.

        Args:
            tasks: what it is; of several, one must be allowed. None where it is none.
            texts: what is asked about.
            rows: (n, dim), what stands for the texts where they are not embedded here; their own
                names need not be true.
            read: the texts as they are read, where that is otherwise than they are asked.

        Raises:
            PolicyError: a policy does not allow it.
            ConfigError: an audit log cannot be written.
        """
        wanted = (tasks,) if isinstance(tasks, str) else tasks or ()
        for policy in self._policies:
            if wanted and not set(wanted) & set(policy.tasks):
                task = " or ".join(map(repr, wanted))
                reason = f"{policy.name}: does not allow the task {task}; add it to its tasks"
                self._refuse(wanted, "task", texts, reason)
            self._labels(policy, wanted, texts)
        self._sensitive(wanted, texts if read is None else read, rows)
        self._write(wanted, "allowed", "", texts)

    def chosen(self, labels: list[str]) -> list[str]:
        """Those of the bundle's own ``labels`` that every policy allows.

        Raises:
            PolicyError: there is none.
        """
        if all(policy.labels is None and policy.families is None for policy in self._policies):
            return labels  # hundreds of labels, with every recording
        kept = [label for label in labels if all(_allows(p, label) for p in self._policies)]
        if labels and not kept:
            names = " and ".join(policy.name for policy in self._policies)
            raise PolicyError(f"{names}: allows none of the bundle's own labels; ask for others")
        return kept

    def _labels(self, policy: Policy, wanted: tuple[Task, ...], texts: Sequence[str]) -> None:
        for text in texts:
            if not _allows(policy, text):
                reason = f"{policy.name}: does not allow {text!r}; ask for one of its labels"
                self._refuse(wanted, "label", texts, reason)

    def _sensitive(self, wanted: tuple[Task, ...], texts: Sequence[str], rows: Rows | None) -> None:
        allowed = frozenset.intersection(*(frozenset(p.sensitive) for p in self._policies))
        last = self._passed
        if last is not None and last[0] == tuple(texts) and last[1] is rows:
            return
        free = [number for number, text in enumerate(texts) if _folded(text) not in self._own]
        for number, found in self._found(free, texts, rows):
            if found not in allowed:
                self._refuse(
                    wanted,
                    f"sensitive:{found}",
                    texts,
                    f"{texts[number]!r} asks for the {found} of a person, which is refused unless "
                    f"a policy allows it (sensitive = [{found!r}] in the file of --policy)",
                )
        self._passed = (tuple(texts), rows)

    def _found(
        self, free: list[int], texts: Sequence[str], rows: Rows | None
    ) -> list[tuple[int, Category]]:
        """Places of texts that ask for sensitive inferences, and for which."""
        if not free and rows is None:
            return []
        from tinyalm.policy.words import named

        found = [(number, category) for number in free if (category := named(texts[number]))]
        if found or self._concepts is None:
            return found
        if rows is None:
            asked = free
            if not asked or self._embed is None:
                return []
            vectors = self._embed([texts[number] for number in asked])
        else:
            asked, vectors = list(range(len(texts))), rows
        near = self._concepts().nearest(vectors)
        return [
            (number, category)
            for number, category, row in zip(asked, near, vectors, strict=True)
            if category is not None and not self._is_own(texts[number], row)
        ]

    def _is_own(self, label: str, row: Rows) -> bool:
        """Whether a vector that came with the name of an own label is that label's."""
        if _folded(label) not in self._own or self._embed is None:
            return False
        return bool(self._embed([label])[0] @ row >= _SAME)

    def _refuse(
        self, wanted: tuple[Task, ...], reason: str, texts: Sequence[str], message: str
    ) -> None:
        self._write(wanted, "refused", reason, texts)
        raise PolicyError(message)

    def _write(
        self, wanted: tuple[Task, ...], decision: str, reason: str, texts: Sequence[str]
    ) -> None:
        for policy, log in zip(self._policies, self._logs, strict=True):
            if log is not None:
                log.write(
                    policy.name, wanted[0] if wanted else "attach", decision, reason, len(texts)
                )

    @staticmethod
    def _log(policy: Policy) -> "AuditLog | None":
        if policy.audit is None:
            return None
        from tinyalm.policy.audit import AuditLog

        return AuditLog(policy.audit)


def _allows(policy: Policy, text: str) -> bool:
    """Whether the policy's labels or families hold ``text``."""
    if policy.labels is None and policy.families is None:
        return True
    return _folded(text) in _allowed(policy.labels or (), policy.families or ())


@lru_cache(maxsize=16)
def _allowed(labels: tuple[str, ...], families: tuple[str, ...]) -> frozenset[str]:
    from tinyalm.policy.families import labels_of

    return frozenset(map(_folded, [*labels, *labels_of(families)]))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
