"""`tinyalm distill teach`: what a teacher hears."""

from pathlib import Path

import click
import msgspec
import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import read
from tinyalm.errors import AudioError, ConfigError
from tinyalm.labels import check_labels, fill_template
from tinyalm_distill.teachers import AudioTextTeacher, open_teacher
from tinyalm_distill.teachers.ensemble import Ensemble


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
    """Print what the teacher hears in each FILE: its top classes, and the best of --labels.

    Of several teachers as one, as in 0.7*clap:X+0.3*yamnet-minilm, also how much each of them
    decided between the labels.
    """
    wanted = check_labels(labels.split(",")) if labels is not None else []
    teacher = open_teacher(name)
    if not wanted and not teacher.labels:
        raise ConfigError(f"teacher {teacher.name} has no classes; name labels with --labels")
    texts = teacher.embed_text(fill_template(teacher.template, wanted))
    failed = False
    for file in files:
        try:
            heard = _hear(teacher, read(file, teacher.sample_rate), wanted, texts, top_k)
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
    teacher: AudioTextTeacher,
    waveform: NDArray[np.float32],
    labels: list[str],
    texts: NDArray[np.float32],
    top_k: int,
) -> dict[str, list[dict[str, str | float]]]:
    """Probabilities of the teacher's classes, and cosines to the labels; best first.

    Of several teachers as one, also how much each of them decided between the labels.
    """
    answers, heard = teacher.answer([waveform], teacher.sample_rate), {}
    if answers.probabilities is not None:
        heard["classes"] = _best(teacher.labels, answers.probabilities[0], top_k)
    if labels:
        heard["labels"] = _best(labels, texts @ answers.embeddings[0], top_k)
    if isinstance(teacher, Ensemble) and len(labels) > 1:
        shares = teacher.contributions(answers.embeddings, texts)
        names = [member.name for member in teacher.members]
        heard["teachers"] = _best(names, np.array(shares, np.float32), len(names))
    return heard


def _best(
    labels: list[str], scores: NDArray[np.float32], top_k: int
) -> list[dict[str, str | float]]:
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [{"label": labels[i], "score": round(float(scores[i]), 4)} for i in order]
