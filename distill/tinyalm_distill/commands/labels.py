"""`tinyalm distill labels`: a label pack through the teacher's own text tower."""

from pathlib import Path

import click

from tinyalm.cli.layout import size
from tinyalm.errors import ConfigError
from tinyalm.label_pack import SUFFIX, LabelPack, write_label_pack
from tinyalm.labels import fill_template, read_labels_file


@click.command()
@click.argument("teacher")
@click.option(
    "--labels-file",
    type=click.Path(path_type=Path),
    help="A file of labels, one a line; by default the teacher's classes.",
)
@click.option("--template", help="A sentence for the label; by default the teacher's.")
@click.option(
    "--out",
    required=True,
    metavar=f"NAME{SUFFIX}",
    type=click.Path(path_type=Path),
    help="The pack to write; one that is there is replaced.",
)
def labels(teacher: str, labels_file: Path | None, template: str | None, out: Path) -> None:
    """Write labels with their vectors, as TEACHER reads them, into one file.

    Every student of the teacher can tag with it, better than through its own text side, which
    only comes near the teacher's.
    """
    names = read_labels_file(labels_file) if labels_file else None
    from tinyalm_distill.teachers import open_teacher  # torch and transformers take seconds

    opened = open_teacher(teacher)
    if not names and not opened.labels:
        raise ConfigError(f"teacher {opened.name} has no classes; name labels with --labels-file")
    names, template = names or opened.labels, template or opened.template
    pack = LabelPack(
        labels=names,
        template=template,
        embeddings=opened.embed_text(fill_template(template, names)),
        teacher=f"{opened.name} {opened.revision}",
        tower="teacher",
    )
    write_label_pack(out, pack)
    click.echo(f"wrote {out}: {len(names)} labels, {size(out.stat().st_size)}")
