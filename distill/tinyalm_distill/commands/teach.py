"""`tinyalm distill teach`: what a teacher hears."""

from pathlib import Path

import click
import msgspec
import numpy as np

from tinyalm.audio import read
from tinyalm.errors import AudioError
from tinyalm.labels import check_labels
from tinyalm_distill.teachers import AudioTextTeacher, open_teacher


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--teacher", "name", default="yamnet-minilm", show_default=True)
@click.option("--labels", help="Labels to rank, separated by commas.")
@click.option("--top-k", default=5, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def teach(
    context: click.Context,
    files: tuple[Path, ...],
    name: str,
    labels: str | None,
    top_k: int,
    as_json: bool,
) -> None:
    """Print what the teacher hears in each FILE: its top classes, and the best of --labels."""
    wanted = check_labels(labels.split(",")) if labels is not None else []
    teacher = open_teacher(name)
    failed = False
    for file in files:
        try:
            heard = _hear(teacher, file, wanted, top_k)
        except AudioError as error:
            click.echo(f"tinyalm: {error}", err=True)
            failed = True
            continue
        if as_json:
            click.echo(msgspec.json.encode({"file": str(file), **heard}))
        else:
            click.echo(f"{file}")
            for kind, ranked in heard.items():
                text = ", ".join(f"{entry['label']} {entry['score']:.2f}" for entry in ranked)
                click.echo(f"  {kind:<8} {text}")
    if failed:
        context.exit(2)


def _hear(
    teacher: AudioTextTeacher, file: Path, labels: list[str], top_k: int
) -> dict[str, list[dict[str, str | float]]]:
    """Probabilities of the teacher's classes, and cosines to the labels; best first."""
    waveform = read(file, teacher.sample_rate)
    heard = {"classes": _best(teacher.labels, teacher.class_probabilities(waveform), top_k)}
    if labels:
        sound = teacher.embed_audio([waveform], teacher.sample_rate)[0]
        texts = teacher.embed_text([teacher.template.format(label) for label in labels])
        heard["labels"] = _best(labels, texts @ sound, top_k)
    return heard


def _best(
    labels: list[str], scores: np.typing.NDArray[np.float32], top_k: int
) -> list[dict[str, str | float]]:
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [{"label": labels[i], "score": round(float(scores[i]), 4)} for i in order]
