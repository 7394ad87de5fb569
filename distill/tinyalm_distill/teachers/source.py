"""Where a teacher's checkpoint lies, and what its folder says of it."""

import hashlib
import re
from pathlib import Path

import yaml
from msgspec import Struct

from tinyalm.errors import ConfigError, FetchError
from tinyalm_distill.assets import sha256

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")
_WANTED = ("*.json", "*.txt", "*.jinja", "*.model", "*.safetensors", "README.md")
_PICKLED = "pytorch_model*.bin"  # what is fetched where there is no safetensors file
_CARD, _FENCE = "README.md", "---"
_HASHED = (".json", ".txt", ".jinja", ".model", ".safetensors", ".bin")
_SHOWN = 160  # characters of a library's reason that a message repeats


class Source(Struct, frozen=True):
    """A checkpoint on this machine.

    Attributes:
        name: what people call it: the hub's id, or the name of the folder or file.
        path: a folder as transformers saves it, or a file of weights.
    """

    name: str
    path: Path

    @property
    def folder(self) -> Path:
        """The folder that model card and tokenizer are looked for in."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def files(self) -> list[Path]:
        """What its answers depend on, in order."""
        if self.path.is_dir():
            return sorted(f for f in self.path.iterdir() if f.suffix in _HASHED)
        beside = self.folder / "tokenizer.json"
        return [self.path, *([beside] if beside.is_file() else [])]

    @property
    def bytes(self) -> int:
        """Size of `files`."""
        return sum(file.stat().st_size for file in self.files)

    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 of names and contents: changes with the answers."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.name} {sha256(file)}\n".encode())
        return digest.hexdigest()[:16]

    def licence(self) -> str:
        """``license`` in the front matter of the model card beside it; ``unknown`` without one."""
        try:
            lines = (self.folder / _CARD).read_text(encoding="utf-8").splitlines()
            if not lines or lines[0].strip() != _FENCE:
                return "unknown"
            matter = yaml.safe_load("\n".join(lines[1 : lines.index(_FENCE, 1)]))
        except (OSError, ValueError, yaml.YAMLError):  # no card, or one that is not understood
            return "unknown"
        stated = matter.get("license") if isinstance(matter, dict) else None
        if stated == "other":
            stated = matter.get("license_name") or stated
        return ", ".join(map(str, stated)) if isinstance(stated, list) else str(stated or "unknown")


def locate(kind: str, given: str) -> Source:
    """The checkpoint that ``kind:given`` names: a path on this machine, else a hub id.

    Args:
        kind: of the teacher, for messages.
        given: a folder or file, or ``organisation/model`` of the Hugging Face hub, of which what
            has been fetched before needs no network.

    Raises:
        ConfigError: neither.
        FetchError: the hub does not give it; the message says what to do without a network.
    """
    path = Path(given).expanduser()
    if path.exists():
        return Source(path.resolve().name, path)
    if not _HUB_ID.fullmatch(given):
        raise ConfigError(
            f"{kind}:{given}: no such folder or file, and no hub id; give a checkpoint's folder, "
            "or organisation/model"
        )
    return Source(given, _fetched(kind, given))


def one_line(error: Exception) -> str:
    """A library's own reason, short enough for a message."""
    return (" ".join(str(error).split()) or type(error).__name__)[:_SHOWN]


def _fetched(kind: str, hub_id: str) -> Path:
    from huggingface_hub import snapshot_download  # seconds, and seldom wanted

    try:
        folder = Path(snapshot_download(hub_id, allow_patterns=list(_WANTED)))
        if not any(folder.glob("*.safetensors")):
            snapshot_download(hub_id, allow_patterns=[_PICKLED])
    except Exception as error:  # the hub, http and disk errors have no class in common
        raise FetchError(
            f"{kind}:{hub_id}: no folder of that name here, and the hub does not give it "
            f"({type(error).__name__}); fetch it where there is a network with "
            f"'hf download {hub_id} --local-dir FOLDER' and name that folder"
        ) from None
    return folder
