"""`tinyalm sign`: sign a policy file or a bundle."""

from pathlib import Path

import click

from tinyalm.bundle import MANIFEST, read_bundle
from tinyalm.policy.reading import parse
from tinyalm.signing import read
from tinyalm.signing import sign as write_signature


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path),
    help="The private Ed25519 key (PEM, without a password).",
)
def sign(path: Path, key: Path) -> None:
    """Sign PATH, a policy file or a bundle's folder, with a private key.

    The signature of policy.toml is policy.toml.sig, that of a bundle the file bundle.json.sig in
    it, which covers all of its files by their hashes. Both are checked first. Keys are made by
    openssl:

    \b
        openssl genpkey -algorithm ed25519 -out private.pem
        openssl pkey -in private.pem -pubout -out public.pem
    """  # noqa: D301 - click's own mark
    if path.is_dir():
        read_bundle(path, unsigned=True)
        path = path / MANIFEST
    else:
        parse(path, read(path, "the policy"))
    click.echo(f"wrote {write_signature(path, key)}")
