"""From a teacher's name to the teacher."""

import math
import re

from msgspec import Struct

from tinyalm.errors import ConfigError
from tinyalm_distill.assets import require
from tinyalm_distill.teachers.protocols import AudioTextTeacher, CaptionTeacher

YAMNET_MINILM = "yamnet-minilm"
CLAP, LALM = "clap:", "lalm:"
_KNOWN = f"{YAMNET_MINILM}, {CLAP}PATH_OR_ID, or several as in 0.7*{CLAP}X+0.3*{YAMNET_MINILM}"
# A path may hold a plus sign, too: only one before another teacher separates.
_PLUS = re.compile(rf"\s*\+\s*(?=(?:[^\s*+:/]+\*)?\s*(?:{CLAP}|{LALM}|{YAMNET_MINILM}))")
_TERM = re.compile(r"(?:([^*:/]+)\*)?\s*(.+)", re.DOTALL)


class Member(Struct, frozen=True):
    """One teacher of several, and its share: those of all add up to 1."""

    name: str
    share: float


def parse(name: str) -> list[Member]:
    """The members that ``a``, ``a+b`` or ``0.7*a+0.3*b`` names; without weights all are alike.

    Raises:
        ConfigError: a weight that is no number above 0, or weights beside none.
    """
    terms = [_TERM.fullmatch(term.strip()) for term in _PLUS.split(name.strip())]
    found = [(term[1], term[2].strip()) for term in terms if term is not None]
    if len(found) != len(terms):
        raise ConfigError(f"no teacher named {name!r}; there are: {_KNOWN}")
    weights = [_weight(given, of) for given, of in found]
    stated = sum(given is not None for given, _ in found)
    if stated not in (0, len(found)):
        raise ConfigError(f"teacher {name!r}: weigh all of its members, or none")
    return [
        Member(of, weight / sum(weights)) for weight, (_, of) in zip(weights, found, strict=True)
    ]


def _weight(given: str | None, name: str) -> float:
    try:
        weight = 1.0 if given is None else float(given)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise ConfigError(f"weight {given!r} of {name}: it must be a number above 0")
    return weight


def open_teacher(name: str, *, threads: int = 2) -> AudioTextTeacher:
    """Load the teacher ``name``, or several as one.

    Args:
        name: ``yamnet-minilm``, ``clap:`` and a folder, a file or a hub id, or several of them:
            ``0.7*clap:X+0.3*yamnet-minilm``.
        threads: of the CPU that it may use.

    Raises:
        ConfigError: no such teacher, or a checkpoint of another architecture.
        FetchError: its weights are not here yet; the message says how to get them.
        DataError: its weights are damaged.
    """
    members = parse(name)
    for member in members:
        _check(member.name)  # before any is loaded, which takes a while
    if len(members) == 1:
        return _open_one(members[0].name, threads)
    # Imported here, as below: transformers takes seconds, and listing teachers must not.
    from tinyalm_distill.teachers.ensemble import Ensemble

    return Ensemble(
        [_open_one(member.name, threads) for member in members],
        [member.share for member in members],
    )


def _check(name: str) -> None:
    if name.startswith(LALM):
        raise ConfigError(
            f"{name}: describes sounds and embeds none; it is for 'tinyalm distill describe'"
        )
    if name != YAMNET_MINILM and not name.startswith(CLAP):
        raise ConfigError(f"no teacher named {name!r}; there are: {_KNOWN}")


def _open_one(name: str, threads: int) -> AudioTextTeacher:
    if name == YAMNET_MINILM:
        from tinyalm_distill.teachers.conse import YamNetMiniLM

        return YamNetMiniLM(require(name), threads=threads)
    from tinyalm_distill.teachers.clap.opening import open_clap

    return open_clap(name.removeprefix(CLAP), threads=threads)


def open_caption_teacher(
    name: str, *, threads: int = 2, temperature: float = 0.0, seed: int = 0
) -> CaptionTeacher:
    """Load a teacher that describes sounds.

    Args:
        name: ``lalm:`` and a folder or hub id.
        threads: of the CPU that it may use.
        temperature: of the words that it draws; 0 for always the likeliest.
        seed: of what it draws.

    Raises:
        ConfigError: no such teacher, or a checkpoint of another architecture.
        FetchError: its weights are not here yet; the message says how to get them.
        DataError: its weights are damaged.
    """
    if not name.startswith(LALM):
        raise ConfigError(f"{name!r} describes no sounds; name one as {LALM}PATH_OR_ID")
    from tinyalm_distill.teachers.lalm.teacher import open_lalm

    return open_lalm(name.removeprefix(LALM), threads=threads, temperature=temperature, seed=seed)
