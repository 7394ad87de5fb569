"""`tinyalm labels`: a label pack, for devices without a text tower."""

from pathlib import Path

import click

from tinyalm.cli.layout import size
from tinyalm.cli.policy_options import given_policy, policy_options
from tinyalm.label_pack import SUFFIX, LabelPack, write_label_pack
from tinyalm.labels import read_labels_file
from tinyalm.model import load


@click.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@click.option(
    "--labels-file",
    type=click.Path(path_type=Path),
    help="A file of labels, one a line; by default the bundle's own.",
)
@click.option("--template", help="A sentence for the label: 'the sound of {}'.")
@click.option(
    "--out",
    required=True,
    metavar=f"NAME{SUFFIX}",
    type=click.Path(path_type=Path),
    help="The pack to write; one that is there is replaced.",
)
@policy_options
def labels(bundle: Path | None, labels_file: Path | None, template: str | None, out: Path) -> None:
    """Write labels with their vectors, as BUNDLE (or micro) reads them, into one file.

    Any student of the same teacher can tag with it, without a text side of its own.
    """
    names = read_labels_file(labels_file) if labels_file else None
    model = load(bundle, policy=given_policy())
    embedded = model.embed_labels(names, template=template)
    pack = LabelPack(
        labels=embedded.labels,
        template=embedded.template,
        embeddings=embedded.embeddings,
        thresholds=embedded.thresholds,
        teacher=model.manifest.provenance.teacher,
        tower=f"student {model.manifest.name}",
    )
    write_label_pack(out, pack)
    click.echo(f"wrote {out}: {len(pack.labels)} labels, {size(out.stat().st_size)}")
