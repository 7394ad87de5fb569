"""`tinyalm policy`: check a policy file, and sign it."""

from pathlib import Path

import click

from tinyalm.cli.layout import aligned
from tinyalm.policy.families import labels_of
from tinyalm.policy.reading import parse, read_policy
from tinyalm.policy.signing import read
from tinyalm.policy.signing import sign as write_signature

_PATH = click.Path(path_type=Path)


@click.group()
def policy() -> None:
    """Check and sign the policy files that say what may be asked (docs/privacy.md)."""


@policy.command()
@click.argument("file", type=_PATH)
@click.option("--key", type=_PATH, help="The public key (PEM) that it must be signed by.")
def check(file: Path, key: Path | None) -> None:
    """Say what the policy FILE allows; refuse what is no policy, or not signed as it should be."""
    found = read_policy(file, key)
    labels = [*(found.labels or ()), *labels_of(found.families or ())]
    anything = found.labels is None and found.families is None
    days = found.retention_days
    rows = [
        ("policy", found.name),
        ("tasks", ", ".join(found.tasks) or "none"),
        ("labels", "any" if anything else f"{len(labels)}: {', '.join(labels) or 'none'}"),
        ("sensitive", ", ".join(found.sensitive) or "none"),
        ("speech", found.speech),
        ("index remembers", "for ever" if days is None else f"for {days:g} days"),
        ("audit log", found.audit or "none"),
    ]
    click.echo(aligned(rows))


@policy.command()
@click.argument("file", type=_PATH)
@click.option("--key", required=True, type=_PATH, help="The private Ed25519 key (PEM).")
def sign(file: Path, key: Path) -> None:
    """Sign the policy FILE, into FILE.sig.

    Keys are made by openssl:

        openssl genpkey -algorithm ed25519 -out private.pem
        openssl pkey -in private.pem -pubout -out public.pem
    """
    parse(file, read(file, "the policy"))
    click.echo(f"wrote {write_signature(file, key)}")
