"""Policy files and keys to test with."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

ALL = 'tasks = ["tag", "listen", "index", "search", "learn", "embed", "caption"]'


def write_policy(path: Path, text: str = ALL) -> Path:
    """A policy file of version 1."""
    path.write_text(f"format_version = 1\n{text}\n")
    return path


def write_keys(folder: Path, name: str = "key") -> tuple[Path, Path]:
    """A private and a public key in PEM."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public
