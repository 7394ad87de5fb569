"""Policy files: TOML, checked to the last key, and signed where somebody holds the key."""

import os
import tomllib
from pathlib import Path

import msgspec

from tinyalm.errors import ConfigError
from tinyalm.policy.rules import Policy
from tinyalm.signing import read, signature_of, verify

VARIABLE, KEY_VARIABLE = "TINYALM_POLICY", "TINYALM_POLICY_KEY"


def read_policy(path: str | Path, key: str | Path | None = None) -> Policy:
    """Read and check the policy in ``path``.

    A signature beside it (``NAME.toml.sig``) is always verified. With a key, one must be there.

    Args:
        path: the TOML file.
        key: PEM file of the Ed25519 public key; by default that of ``TINYALM_POLICY_KEY``, if set.

    Raises:
        ConfigError: the file cannot be read, has a key or a value that no policy has, lacks its
            signature, or has a bad one.
        MissingExtraError: it is signed, and cryptography is not installed.
    """
    path = Path(path)
    content = read(path, "the policy")
    key = key or os.environ.get(KEY_VARIABLE) or None
    if key is not None:
        verify(path, content, key)
    elif signature_of(path).exists():
        raise ConfigError(
            f"{path}: signed, and there is no key to check that with; give the public key with "
            f"--policy-key or {KEY_VARIABLE}"
        )
    return parse(path, content)


def parse(path: Path, content: bytes) -> Policy:
    """The policy in the ``content`` of the file ``path``, whoever signed it.

    Raises:
        ConfigError: it has a key or a value that no policy has.
    """
    try:
        fields = tomllib.loads(content.decode())
        for needed in ("format_version", "tasks"):
            if needed not in fields:
                raise ConfigError(f"{needed} is missing")  # noqa: TRY301 - named below
        policy = msgspec.convert({"name": str(path)} | fields, Policy)
    except (
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
        msgspec.MsgspecError,
        ConfigError,
    ) as error:
        raise ConfigError(
            f"{path}: no policy ({' '.join(str(error).split())}); see docs/privacy.md"
        ) from None
    if policy.audit is not None:
        return msgspec.structs.replace(policy, audit=str(path.absolute().parent / policy.audit))
    return policy


def in_force(policy: Policy | str | Path | None) -> tuple[Policy, ...]:
    """The policies that hold: that of ``TINYALM_POLICY``, and ``policy``; each must allow.

    Raises:
        ConfigError: a policy file that cannot be used; see `read_policy`.
    """
    found = []
    if os.environ.get(VARIABLE):
        found.append(read_policy(os.environ[VARIABLE]))
    if policy is not None:
        found.append(policy if isinstance(policy, Policy) else read_policy(policy))
    return tuple(found)
