"""`tinyalm distill describe`: captions and labels from a large audio-language model."""

from pathlib import Path

import click

from tinyalm.errors import ConfigError
from tinyalm.labels import check_labels
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.progress import bar
from tinyalm_distill.teachers.lalm.tasks import CAPTION, TASKS, questions


@click.command()
@click.argument("manifest")
@click.option("--teacher", required=True, metavar="lalm:PATH_OR_ID", help="Who is asked.")
@click.option("--judge", default="yamnet-minilm", show_default=True, help="Who must agree.")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    default=(CAPTION,),
    show_default=True,
    type=click.Choice(TASKS),
)
@click.option("--labels", help="Labels that task question asks for, separated by commas.")
@click.option("--split", help="Only the clips of this split.")
@click.option(
    "--threshold",
    default=0.2,
    show_default=True,
    type=click.FloatRange(-1, 1),
    help="Cosine of the judge from which on a claim is kept.",
)
@click.option(
    "--temperature", default=0.0, show_default=True, type=click.FloatRange(0), help="0 is greedy."
)
@click.option("--seed", default=0, show_default=True, help="Of what is drawn.")
@click.option("--batch-size", default=8, show_default=True, type=click.IntRange(1))
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1))
@click.option(
    "--out", required=True, metavar="FILE.jsonl", type=click.Path(path_type=Path), help="Manifest."
)
@click.pass_context
def describe(
    context: click.Context,
    manifest: str,
    teacher: str,
    judge: str,
    tasks: tuple[str, ...],
    labels: str | None,
    split: str | None,
    threshold: float,
    temperature: float,
    seed: int,
    batch_size: int,
    threads: int,
    out: Path,
) -> None:
    """Ask a model what is heard in the clips of MANIFEST, and keep what the judge agrees with.

    --out becomes a manifest of the same clips with what was kept as captions and labels, and with
    all answers and scores. After an interrupt the same command goes on where it was.
    """
    if out.suffix != ".jsonl":
        raise ConfigError(f"{out}: --out must end in .jsonl")
    asked = questions(tasks, check_labels(labels.split(",")) if labels is not None else [])
    clips = read_clips(manifest, split)
    from tinyalm_distill.teachers import open_teacher  # torch and transformers take seconds
    from tinyalm_distill.teachers.lalm.describing import Describer
    from tinyalm_distill.teachers.lalm.records import Settings
    from tinyalm_distill.teachers.opening import open_caption_teacher

    speaker = open_caption_teacher(teacher, threads=threads, temperature=temperature, seed=seed)
    listener = open_teacher(judge, threads=threads)
    settings = Settings(
        model=f"{speaker.name} {speaker.revision}",
        judge=f"{listener.name} {listener.revision}",
        threshold=threshold,
        temperature=temperature,
        seed=seed,
        batch=batch_size,
        prompts=[question.prompt for question in asked],
    )
    with bar("describing") as progress:
        skipped = Describer(speaker, listener, asked, settings).write(clips, out, progress)
    for reason in skipped:
        click.echo(f"tinyalm: {reason}", err=True)
    click.echo(f"manifest: {out}")
    if skipped:
        context.exit(2)
