"""`tinyalm policy`: check a policy file."""

from pathlib import Path

import click

from tinyalm.cli.layout import aligned
from tinyalm.policy.families import labels_of
from tinyalm.policy.reading import read_policy

_PATH = click.Path(path_type=Path)


@click.group()
def policy() -> None:
    """Check the policy files that say what may be asked (docs/privacy.md)."""


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
