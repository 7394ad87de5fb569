"""`tinyalm tag`: which labels a recording holds, and when."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tinyalm.audio import Source
from tinyalm.cli.asked import asked_labels, label_options
from tinyalm.cli.inputs import checked, recordings
from tinyalm.cli.model_options import load_model, model_options
from tinyalm.cli.tag_forms import CSV_HEAD, FORMS, plain
from tinyalm.errors import AudioError, ConfigError
from tinyalm.results import ClipTags

Answer = ClipTags | AudioError
_STDIN = Path("-")
_CLEAR = "\r\033[K"  # the line that the progress bar stands in


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@label_options
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--json", "form", flag_value="json", help="One JSON object a line for each file.")
@click.option("--csv", "form", flag_value="csv", help=f"Rows of {CSV_HEAD} for every window.")
@click.option(
    "--audacity", "form", flag_value="audacity", help="An Audacity label track of the windows."
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Files heard at once, each on --threads of its own.",
)
@model_options
def tag(
    files: tuple[Path, ...],
    labels: str | None,
    labels_file: Path | None,
    template: str | None,
    top_k: int,
    form: str | None,
    jobs: int,
    bundle: Path | None,
    adapters: tuple[Path, ...],
    threads: int,
) -> None:
    """Say which labels each FILE holds, and when.

    A folder stands for the audio files in it, '-' for a file on standard input. Without --labels
    and --labels-file the bundle's own labels are asked. A file that cannot be used costs one line
    on standard error and exit status 2; the others are answered, in their order.

    With --json each file is one line, printed when it is done: {"file", "duration", "tags":
    [{"label", "score", "similarity", "start", "end"}], "segments": [{"start", "end", "tags":
    [{"label", "score", "similarity"}]}]}, times in seconds.
    """
    model = load_model(bundle, adapters, threads)
    asked = asked_labels(labels, labels_file)
    found = list(recordings(files))
    if form == "audacity" and len(found) > 1:
        raise ConfigError(
            f"--audacity: a label track is of one recording, and here are {len(found)}; "
            "name one, or take --csv"
        )

    def answer(file: Path) -> Answer:
        try:
            return model.tag(_source(file), asked, top_k=top_k, template=template)
        except AudioError as error:
            return error

    lines = FORMS.get(form or "", plain)
    failed = False
    if form == "csv":
        click.echo(CSV_HEAD)
    with _bar(len(found)) as (step, clear):
        for file, answered in zip(found, _answers(answer, found, jobs), strict=True):
            if isinstance(answered, AudioError):
                click.echo(f"{clear}tinyalm: {answered}", err=True)
                failed = True
            else:
                for line in lines(str(file), answered):
                    click.echo(line)
            step()
    if failed:
        raise click.exceptions.Exit(2)


def _source(file: Path) -> Source:
    """What FILE stands for."""
    if file != _STDIN:
        return checked(file)
    if sys.stdin.isatty():
        raise ConfigError("-: standard input is a terminal; pipe a file into it")
    return io.BytesIO(sys.stdin.buffer.read())


def _answers(
    answer: Callable[[Path], Answer], files: Iterable[Path], jobs: int
) -> Iterator[Answer]:
    """Answers in the order of the files, of which ``jobs`` are heard at once."""
    if jobs == 1:
        return map(answer, files)
    from tinyalm.cli.jobs import in_order  # threads cost a small command some milliseconds

    return in_order(answer, files, jobs)


@contextmanager
def _bar(length: int) -> Iterator[tuple[Callable[[], None], str]]:
    """A progress bar on standard error, where that is a terminal and the answers go elsewhere.

    Gives what moves it a file on, and what stands before a line that is printed over it.
    """
    if length == 1 or not sys.stderr.isatty() or sys.stdout.isatty():
        yield (lambda: None), ""
        return
    with click.progressbar(length=length, label="tag", show_pos=True, file=sys.stderr) as bar:
        yield (lambda: bar.update(1)), _CLEAR
