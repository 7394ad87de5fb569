"""Ed25519 signatures of policy files and bundles (RFC 8032), as openssl makes them too."""

from importlib.util import find_spec
from pathlib import Path

from tinyalm.errors import ConfigError, MissingExtraError
from tinyalm.extras import pip_command

SUFFIX = ".sig"


def signature_of(path: Path) -> Path:
    """Where the signature of the file ``path`` lies."""
    return Path(f"{path}{SUFFIX}")


def verify(path: Path, content: bytes, key: str | Path) -> None:
    """Make sure that the signature beside ``path`` is of its ``content``.

    Args:
        path: the file.
        content: as it was read.
        key: PEM file of the Ed25519 public key.

    Raises:
        ConfigError: no signature, or one that is not of this content by this key.
        MissingExtraError: cryptography is not installed.
    """
    _require()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    signature = signature_of(path)
    if not signature.exists():
        raise ConfigError(f"{path}: not signed ({signature} is missing); sign it, as asked")
    try:
        public = load_pem_public_key(read(Path(key), "the key"))
    except ValueError:
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise ConfigError(f"{key}: no Ed25519 public key in PEM; see 'tinyalm sign --help'")
    try:
        public.verify(read(signature, "the signature"), content)
    except InvalidSignature:
        raise ConfigError(
            f"{path}: the signature is not of this file by the key {key}; sign it again or put "
            "the signed file back"
        ) from None


def sign(path: Path, key: Path) -> Path:
    """Sign the file ``path`` with the private key in ``key``; returns the signature's file.

    Raises:
        ConfigError: a file cannot be read, or ``key`` is no Ed25519 private key in PEM.
        MissingExtraError: cryptography is not installed.
    """
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = read(path, "what is to be signed")
    try:
        private = load_pem_private_key(read(key, "the key"), None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(f"{key}: no Ed25519 private key in PEM without a password")
    signature = signature_of(path)
    signature.write_bytes(private.sign(content))
    return signature


def read(path: Path, what: str) -> bytes:
    """The content of a file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {what} cannot be read ({error.strerror})") from None


def _require() -> None:
    if find_spec("cryptography") is None:
        raise MissingExtraError(f"signatures need: {pip_command('crypto')}")
