"""Makes debian-sounds.json: the packages of a Debian release that hold sound, pinned.

    python make_debian_sounds.py INDEX DEBS > debian-sounds.json

INDEX is a folder with Packages.xz, Contents-all.gz and Contents-amd64.gz of the release's main;
DEBS is a mirror's root on this disk, where missing packages are downloaded to: their licences are
read from them. What is chosen and why is in the tables below and in docs/gather.md.
"""

import gzip
import lzma
import re
import sys
from collections import Counter
from pathlib import Path

import msgspec

from tinyalm.audio import SUFFIXES
from tinyalm_distill.gather.deb import data_tar
from tinyalm_distill.gather.listing import Kind, Listing, Package
from tinyalm_distill.gather.mirror import download

MIRRORS = [
    "http://deb.debian.org/debian",
    "https://snapshot.debian.org/archive/debian/20260720T000000Z",  # Debian 12.15
]
_SOUND = re.compile(
    rf"({'|'.join(map(re.escape, SUFFIXES))}|\.pk3|\.wz|\.sf[23]|public\.zip)$", re.I
)

# Children's and learning programs, desktop sound themes, and what sounds on desktops.
_RESERVED_WORDS = re.compile(
    r"child|kids|educat|\blearn|teach|toddler|\bbab(?:y|ies)\b|\btutor\b|\bschool|drawing toy|"
    r"for the family|Ear training|\bages \d|sound theme|desktop|Jabber|XMPP|messag",
    re.I,
)
_RESERVED = """
afterstep-data bambam basic256 blinken brainparty-data budgie-control-center-data
cinnamon-common coccinella colobot-common-sounds deepin-sound-theme eiskaltdcpp-sounds gajim
gamine-data gbrainy gnome-audio gnome-control-center-data gnome-shell-pomodoro-data
gnustep-gui-common hannah-data jigzo-data kanagram khangman klettres-data ktuberling-data laby
libreoffice-common lomiri-sounds mate-media-common mikutter oxygen-sounds pidgin-data
planetblupi-common planetblupi-music-ogg psi psi-plus-sounds pysiogame qabcs-data ri-li-data
sawfish-data scratch solfege sound-icons sound-theme-freedesktop sugar-chat-activity tipp10
tkabber tkdesk tuxmath-data tuxpaint-data tuxpaint-plugins-default tuxpaint-stamps-default
tuxtype-data ukui-media ukui-session-manager wims-help yaru-theme-sound
"""
# Impulse responses, test signals, doubles, and large packages with hardly any sound in them.
_USELESS = re.compile(
    r"alsa-utils|asc-data|castle|cataclysm|codec2|doomsday|flightgear-data-[am]|guitarix|"
    r"jconvolver|ktx$|mame|nexuiz-textures|openarena(-server|-081-(maps|textures))?$|pd-|puredata|"
    r"rakarrack|musescore-general-soundfont-|sfront|soundscape|tworld|ufoai-(common|data|maps|server|textures)"
)
_SECTIONS = frozenset({"comm", "games", "sound"})
_ALSO = frozenset({"emacspeak", "fenrir", "gcin-voice", "photofilmstrip", "xemacs21-basesupport"})
_KINDS: dict[Kind, re.Pattern[str]] = {
    "speech": re.compile(
        r"asterisk-(core|prompt)|emacspeak|fenrir|festvox|fillets-ng-data-|gcin-voice|kajongg|"
        r"pocketsphinx|saytime|scid-data"
    ),
    "music": re.compile(r"-music$|fretsonfire-songs|asterisk-moh"),
    "instruments": re.compile(
        r"calf|chuck|csound|exadrums|grandorgue|horgand|hydrogen|klick$|lmms|muse$|nyquist|sonic-pi|"
        r"soundfont|supercollider"
    ),
}
_ARCHIVED = re.compile(r".*soundfont|0ad-data|nexuiz-|openarena-|ufoai-|warzone2100-data")
_FEWEST = 2  # audio files in a package
_MOST_BYTES = 25_000_000  # of a package for each of its audio files


def main(index: Path, debs: Path) -> None:
    """Print the list."""
    counts = _audio_files(index)
    packages = []
    for entry in _entries(index / "Packages.xz"):
        kind = _kind(entry, counts[entry["Package"]])
        if kind is not None:
            packages.append(_pinned(entry, kind, debs))
    listing = Listing(mirrors=MIRRORS, packages=sorted(packages, key=lambda p: p.name))
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(listing), indent=1) + b"\n")


def _audio_files(index: Path) -> Counter[str]:
    """How many audio files and archives of such each package has."""
    counts: Counter[str] = Counter()
    for name in ("Contents-all.gz", "Contents-amd64.gz"):
        with gzip.open(index / name, "rt", errors="replace") as lines:
            for line in lines:
                file, owners = line.rsplit(maxsplit=1)
                if _SOUND.search(file):
                    counts.update(owner.rsplit("/")[-1] for owner in owners.split(","))
    return counts


def _entries(packages: Path) -> list[dict[str, str]]:
    text = lzma.decompress(packages.read_bytes()).decode()
    return [dict(re.findall(r"^(\S+): (.*)$", e, re.M)) for e in text.split("\n\n") if e.strip()]


def _kind(entry: dict[str, str], count: int) -> Kind | None:
    """What a package is to be gathered as; None if it is not."""
    name, section = entry["Package"], entry["Section"]
    if count < _FEWEST and not _ARCHIVED.match(name):
        return None
    told = section != "sound" and _RESERVED_WORDS.search(entry.get("Description", ""))
    if (
        name in _RESERVED.split()
        or (told and section in _SECTIONS)
        or (count and section == "education")
    ):
        return "reserved"
    few = int(entry["Size"]) > _MOST_BYTES * count and not _ARCHIVED.match(name)
    if few or not count or _USELESS.match(name) or not (section in _SECTIONS or name in _ALSO):
        return None
    return next((kind for kind, names in _KINDS.items() if names.search(name)), "effects")


def _pinned(entry: dict[str, str], kind: Kind, debs: Path) -> Package:
    package = Package(
        name=entry["Package"],
        version=entry["Version"],
        path=entry["Filename"],
        size=int(entry["Size"]),
        sha256=entry["SHA256"],
        licence=f"see /usr/share/doc/{entry['Package']}/copyright",
        kind=kind,
    )
    deb = debs / package.path
    if not deb.exists():
        deb.parent.mkdir(parents=True, exist_ok=True)
        download(package, MIRRORS, deb)
    return msgspec.structs.replace(package, licence=_licence(deb, package) or package.licence)


def _licence(deb: Path, package: Package) -> str:
    """The licences that a package's copyright file names, the one of most files first."""
    with data_tar(deb) as tar:
        for info in tar:
            if info.name == f"./usr/share/doc/{package.name}/copyright" and info.isreg():
                content = tar.extractfile(info)
                text = content.read().decode("utf-8", "replace") if content else ""
                break
        else:
            return ""
    main: list[str] = []
    others: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(Files|License):[ \t]*(.*)$", paragraph, re.M))
        if fields.get("Files") and fields.get("License"):
            (main if fields["Files"] == "*" else others).append(fields["License"].strip())
    names = list(dict.fromkeys(main + others))
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
