"""Which recordings of a package are taken, so that none of them dominates."""

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from tinyalm_distill.gather.deb import Member
from tinyalm_distill.gather.listing import Kind


class Limit(NamedTuple):
    """What is taken of one kind in one package: clips, seconds, and clips of one recording."""

    clips: int
    seconds: float
    excerpts: int


LIMITS: dict[Kind, Limit] = {
    "effects": Limit(1200, 3000.0, 6),
    "instruments": Limit(500, 1200.0, 2),
    "music": Limit(150, 1200.0, 3),
    "speech": Limit(500, 900.0, 1),
    "reserved": Limit(100_000, 1e9, 6),
}
LONG_S = 60.0  # what lasts longer than that among effects is nearly always their music
_WITHIN = r"(?:^|[/_ .-])(?:%s)(?:[/_ .-]|$)"
_MUSIC = re.compile(_WITHIN % "musics?|musik|songs?|soundtracks?", re.IGNORECASE)
_SPEECH = re.compile(_WITHIN % "speech|voices?|dialog(?:ue)?s?", re.IGNORECASE)


def kind_of(name: str, package: Kind) -> Kind:
    """The kind of the recording called ``name`` in a package that mostly holds another one."""
    if package != "effects":
        return package
    if _MUSIC.search(name):
        return "music"
    return "speech" if _SPEECH.search(name) else package


def ordered(package: str, members: Iterable[Member]) -> list[Member]:
    """``members`` in an order that is the same everywhere and mixes a package's folders."""

    def rank(member: Member) -> bytes:
        text = f"{package}/{member.name}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()

    return sorted(members, key=rank)
