"""What licences forbid, of a teacher and of the data that a student was taught with.

A student may inherit what they forbid. Whether it does is for its maker to say, so that packaging
one waits for a word. Free licences, GPL and CC BY-SA among them, forbid no use and are not listed.
Where none is stated, as of one's own recordings, that is said, and nothing waits.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from tinyalm.bundle import Provenance
from tinyalm.errors import ExportError

UNSTATED = "NOASSERTION"  # SPDX for a licence that nobody states
_BY = r"\b(?:cc[ _-]by[ _-]|by-)"


class Terms(NamedTuple):
    """A licence, or a family of them, that forbids something.

    Attributes:
        name: of the SPDX list, without a version; ``LicenseRef-…`` for what it does not have.
        says: what it forbids, in a few words.
        pattern: of a licence text that names it, in lower case.
    """

    name: str
    says: str
    pattern: str


# In this order: what one of them has matched is not looked at by those that follow.
TERMS = (
    Terms("LicenseRef-YouTube", "no copies of its recordings", r"licenseref-youtube"),
    Terms("LicenseRef-Tampere-NonCommercial", "no commercial use", r"licenseref-tampere-\w+"),
    Terms("LicenseRef-WavCaps-AcademicOnly", "academic use only", r"licenseref-wavcaps-\w+"),
    Terms("LicenseRef-BBC-RemArc", "no commercial use", r"licenseref-bbc-remarc|\bremarc\b"),
    Terms("CC-BY-NC-ND", "no commercial use, no adaptations", rf"{_BY}nc[ _-]nd\b"),
    Terms("CC-BY-NC-SA", "no commercial use", rf"{_BY}nc[ _-]sa\b"),
    Terms("CC-BY-NC", "no commercial use", rf"{_BY}nc\b"),
    Terms("CC-BY-ND", "no adaptations", rf"{_BY}nd\b"),
    Terms("LicenseRef-CC-Sampling-Plus", "no advertising", r"\bsampling(?:\+|[ -]plus\b)"),
    Terms(
        "LicenseRef-NonCommercial",
        "no commercial use",
        r"non[ -]?commercial|(?:research|academic|education(?:al)?|personal)[\w ,-]{0,20}\bonly\b"
        r"|\bonly\b[\w ,-]{0,20}(?:research|academic|education|personal)",
    ),
    Terms(
        UNSTATED,
        "none is stated",
        r"^\s*(?:$|not stated|unknown(?![\w-])|none\b|other\b|noassertion)",
    ),
)


def terms(licence: str) -> list[Terms]:
    """The entries of `TERMS` that a licence text names; several where it names several."""
    text, found = licence.lower(), []
    for entry in TERMS:
        if re.search(entry.pattern, text):
            found.append(entry)
            text = re.sub(entry.pattern, "\N{BULLET}", text)  # not empty: that is `UNSTATED`
    return found


def check_licences(provenance: Provenance, accepted: Iterable[str]) -> None:
    """Make sure that every licence which forbids something was accepted.

    Args:
        provenance: of the student.
        accepted: names of `TERMS`, or licences with a version, such as ``CC-BY-NC-4.0``.

    Raises:
        ExportError: one was not; the message names all of them, whose they are, what they forbid,
            and how to accept them.
    """
    known = {entry for name in accepted for entry in terms(name)}
    holders = {
        entry: names
        for entry, names in _holders(provenance).items()
        if entry not in known and entry.name != UNSTATED
    }
    if not holders:
        return
    said = "; ".join(
        f"{entry.name}, {entry.says} ({_few(names)})" for entry, names in holders.items()
    )
    remedy = " ".join(f"--accept-licence {entry.name}" for entry in holders)
    raise ExportError(f"licences that the student may inherit: {said}; if you may, add {remedy}")


def unstated(provenance: Provenance) -> str:
    """One line on the teacher or data of which no licence is stated; empty where there is none."""
    names = [n for entry, n in _holders(provenance).items() if entry.name == UNSTATED]
    return f"no licence is stated of {_few(names[0])}; the model card says so" if names else ""


def _holders(provenance: Provenance) -> dict[Terms, list[str]]:
    """Whose licences are among `TERMS`, by entry."""
    holders: dict[Terms, list[str]] = {}
    owners = [(f"teacher {provenance.teacher}", provenance.teacher_licence)]
    owners += [(f"data {source.name}", source.licence) for source in provenance.data]
    for owner, licence in owners:
        for entry in terms(licence):
            if owner not in holders.setdefault(entry, []):
                holders[entry].append(owner)
    return holders


def _few(names: list[str], most: int = 3) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
