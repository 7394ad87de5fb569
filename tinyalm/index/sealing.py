"""What an index keeps secret on the disk: paths, hashes and embeddings, where there is a key.

AES-256-SIV (RFC 5297) for paths, which must be found again: equal paths have equal ciphertexts.
AES-256-GCM (NIST SP 800-38D) with random nonces for all else. Both keys are derived from the given
one and the index's own salt (HKDF-SHA256, RFC 5869).
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tinyalm.errors import ConfigError, IndexFileError, MissingExtraError
from tinyalm.extras import pip_command

Key: TypeAlias = bytes | str | Path | Callable[[], bytes]
VARIABLE = "TINYALM_INDEX_KEY"
_SIZE = 32  # bytes of a key
_SALT, _NONCE, _TAG = 16, 12, 16
_CHUNK = 1 << 26  # of the vector file; GCM takes no more than 2 GiB at once
_PROOF = "tinyalm index"


class SealRow(NamedTuple):
    """What an encrypted index says in the clear: the salt, and a text that its key seals so."""

    salt: bytes
    proof: bytes


class Plain:
    """No secrets: everything is stored as it is."""

    sealed = False

    def name(self, text: str) -> str | bytes:
        """A path as it is stored; equal ones are equal."""
        return text

    def text(self, stored: str | bytes) -> str:
        """A path from what is stored."""
        return str(stored)

    def seal(self, raw: bytes) -> bytes:
        """A blob as it is stored."""
        return raw

    def open(self, stored: bytes) -> bytes:
        """A blob from what is stored."""
        return stored


class Sealed(Plain):
    """Everything encrypted by one key.

    Args:
        path: of the index, for messages.
        key: 32 bytes.
        salt: of the index.

    Raises:
        MissingExtraError: cryptography is not installed.
    """

    sealed = True

    def __init__(self, path: Path, key: bytes, salt: bytes) -> None:
        if find_spec("cryptography") is None:
            raise MissingExtraError(f"an encrypted index needs: {pip_command('crypto')}")
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derived = HKDF(SHA256(), 96, salt, b"tinyalm index 2").derive(key)
        self._path, self._salt = path, salt
        self._siv, self._gcm = AESSIV(derived[:64]), AESGCM(derived[64:])

    @classmethod
    def new(cls, path: Path, key: bytes) -> "Sealed":
        """With a salt of its own."""
        return cls(path, key, os.urandom(_SALT))

    @classmethod
    def known(cls, path: Path, key: bytes, row: SealRow) -> "Sealed":
        """That of an index.

        Raises:
            IndexFileError: the index was made with another key.
        """
        seal = cls(path, key, row.salt)
        if seal.row.proof != row.proof:
            raise IndexFileError(f"{path}: encrypted with another key; give the one it was made by")
        return seal

    @property
    def row(self) -> SealRow:
        """What the index is to say in the clear."""
        return SealRow(self._salt, self._siv.encrypt(_PROOF.encode(), None))

    def name(self, text: str) -> str | bytes:
        """A path as it is stored; equal ones are equal."""
        return self._siv.encrypt(text.encode(), None)

    def text(self, stored: str | bytes) -> str:
        """A path from what is stored."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._siv.decrypt(bytes(stored), None).decode()  # type: ignore[arg-type]
        except (InvalidTag, ValueError, TypeError):
            raise self._damaged() from None

    def seal(self, raw: bytes) -> bytes:
        """A blob as it is stored."""
        nonce = os.urandom(_NONCE)
        return nonce + self._gcm.encrypt(nonce, raw, None)

    def open(self, stored: bytes) -> bytes:
        """A blob from what is stored."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._gcm.decrypt(stored[:_NONCE], stored[_NONCE:], None)
        except (InvalidTag, ValueError):
            raise self._damaged() from None

    def write_file(self, path: Path, raw: bytes) -> int:
        """Write a file, sealed chunk by chunk, each bound to its place; returns its size."""
        with path.open("wb") as file:
            for number, at in enumerate(range(0, len(raw), _CHUNK)):
                nonce, place = os.urandom(_NONCE), number.to_bytes(8, "big")
                file.write(nonce + self._gcm.encrypt(nonce, raw[at : at + _CHUNK], place))
            return file.tell()

    def read_file(self, path: Path) -> bytes:
        """The content of such a file.

        Raises:
            OSError: it cannot be read, or is damaged.
        """
        from cryptography.exceptions import InvalidTag

        parts: list[bytes] = []
        with path.open("rb") as file:
            while stored := file.read(_NONCE + _CHUNK + _TAG):
                place = len(parts).to_bytes(8, "big")
                try:
                    parts.append(self._gcm.decrypt(stored[:_NONCE], stored[_NONCE:], place))
                except (InvalidTag, ValueError):
                    raise OSError(f"{path}: damaged") from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _damaged(self) -> IndexFileError:
        return IndexFileError(
            f"{self._path}: damaged, what is encrypted does not open; delete it and sync again"
        )


def key_bytes(key: Key | None) -> bytes | None:
    """The 32 bytes that ``key`` stands for: themselves, a file, or a callback that gives them.

    Without one, the 64 hexadecimal digits in ``TINYALM_INDEX_KEY``; None where it is not set.

    Raises:
        ConfigError: the file cannot be read, or what is given is no key.
    """
    source = "the key"
    if key is None:
        digits = os.environ.get(VARIABLE)
        if not digits:
            return None
        source, raw = VARIABLE, digits.encode()
    elif isinstance(key, bytes):
        raw = key
    elif isinstance(key, str | Path):
        source = str(key)
        try:
            raw = Path(key).read_bytes()
        except OSError as error:
            raise ConfigError(f"{key}: the key cannot be read ({error.strerror})") from None
    else:
        raw = key()
    if len(raw) != _SIZE:
        try:
            raw = bytes.fromhex(raw.decode())
        except ValueError:
            raw = b""
    if len(raw) != _SIZE:
        raise ConfigError(
            f"{source}: no key of {_SIZE} bytes (or {2 * _SIZE} hexadecimal digits); "
            f"make one with 'openssl rand -out index.key {_SIZE}'"
        )
    return raw
