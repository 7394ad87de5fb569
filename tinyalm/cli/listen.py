"""`tinyalm listen`: the events of a stream of sound as they happen."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from tinyalm.cli.asked import asked_labels, label_options
from tinyalm.cli.event_lines import CSV_HEAD, FORMS, plain
from tinyalm.cli.inputs import checked
from tinyalm.cli.interrupts import Hold
from tinyalm.cli.model_options import load_model, model_options
from tinyalm.errors import ConfigError, MissingExtraError
from tinyalm.extras import pip_command
from tinyalm.streaming import (
    EventRule,
    Microphone,
    PcmStream,
    ReadAhead,
    Recording,
    Session,
    Stream,
    WhenFull,
    read_rule,
)
from tinyalm.streaming import listen as hear

if TYPE_CHECKING:
    from tinyalm.cli.live import LiveView

_CLIPPED = 0.01  # share of samples from which on it is said
_RULE = (
    ("--on", "on", "Score at which an event starts, by default the label's own or 0.5."),
    ("--off", "off", "Score below which it ends, by default 0.8 of --on."),
    ("--min-duration", "min_duration_s", "Seconds; shorter events are dropped."),
    ("--min-gap", "min_gap_s", "Seconds; events that are closer are one."),
    ("--refractory", "refractory_s", "Seconds after an event without another of its label."),
    ("--smoothing", "smoothing_s", "Seconds over which scores are averaged."),
)


def _rule_options(command: Callable[..., None]) -> Callable[..., None]:
    for option, field, text in reversed(_RULE):
        command = click.option(option, field, type=float, help=text)(command)
    return command


@click.command()
@click.argument("source")
@label_options
@_rule_options
@click.option(
    "--rule",
    "rule_file",
    type=click.Path(path_type=Path),
    help="A JSON file of the same, with 'labels' for those that differ.",
)
@click.option("--json", "form", flag_value="json", help="One JSON object a line for each event.")
@click.option("--csv", "form", flag_value="csv", help=f"Rows of {CSV_HEAD}.")
@click.option("--audacity", "form", flag_value="audacity", help="An Audacity label track.")
@click.option("--live", is_flag=True, help="Draw level and labels on standard error.")
@click.option("--rate", type=click.IntRange(min=1), help="Hz, of raw samples on -.")
@click.option("--channels", type=click.IntRange(1, 32), help="Of raw samples on -.  [default: 1]")
@click.option(
    "--format",
    "sample_format",
    type=click.Choice(["s16le", "f32le"]),
    help="Of raw samples on -.  [default: s16le]",
)
@click.option(
    "--when-full",
    type=click.Choice(["drop_oldest", "merge"]),
    help="Never hold up the source; what gives way where the model is too slow.",
)
@model_options
def listen(
    source: str,
    labels: str | None,
    labels_file: Path | None,
    template: str | None,
    rule_file: Path | None,
    form: str | None,
    live: bool,
    rate: int | None,
    channels: int | None,
    sample_format: str | None,
    when_full: WhenFull | None,
    bundle: Path | None,
    adapters: tuple[Path, ...],
    threads: int,
    **fields: float | None,
) -> None:
    """Say which labels SOURCE holds from when to when, as it is heard.

    SOURCE is a file, '-' for standard input (a WAV stream, or raw samples with --rate), or 'mic',
    'mic:DEVICE' for a microphone. Without --labels and --labels-file the bundle's own labels are
    asked. Ctrl-C ends it; events that are going on end then, and are printed.

    With --json each event is one line, printed when it is over: {"label", "score", "start", "end",
    "peak"}, times in seconds from the beginning of the stream. No sound is written anywhere.
    """
    rule = _rule(rule_file, fields)
    raw = (rate, channels, sample_format)
    model = load_model(bundle, adapters, threads)
    stream = _source(source, raw, when_full, model.manifest.frontend.sample_rate)
    session = model.session(
        asked_labels(labels, labels_file),
        rule=rule,
        template=template,
        when_full=when_full or "drop_oldest",
    )
    if when_full or isinstance(stream, Microphone):
        stream = ReadAhead(session, stream)
    try:
        _run(session, stream, form, live=live)
    finally:
        for line in [*stream.faults, *_losses(session)]:
            click.echo(f"tinyalm: {line}", err=True)


def _run(session: Session, stream: Stream, form: str | None, *, live: bool) -> None:
    """Hear the stream and print its events."""
    line = FORMS.get(form or "", plain)
    if form == "csv":
        click.echo(CSV_HEAD)
    with Hold() as hold, _view(session, live=live) as view:
        chunks = hold.waiting(stream)
        for event in hear(session, chunks if view is None else view.watched(chunks)):
            if view is not None:
                view.log(plain(event))
            if view is None or not sys.stdout.isatty():
                click.echo(line(event))


@contextmanager
def _view(session: Session, *, live: bool) -> Iterator["LiveView | None"]:
    if not live:
        yield None
        return
    try:
        from tinyalm.cli.live import LiveView
    except ModuleNotFoundError:
        raise MissingExtraError(f"--live needs: {pip_command('live')}") from None
    with LiveView(session) as view:
        yield view


def _source(
    source: str,
    raw: tuple[int | None, int | None, str | None],
    when_full: WhenFull | None,
    sample_rate: int,
) -> Stream:
    """What SOURCE stands for."""
    if source != "-" and any(one is not None for one in raw):
        raise ConfigError(f"{source}: --rate, --channels and --format are for raw samples on -")
    if source == "-":
        if sys.stdin.isatty():
            raise ConfigError("-: standard input is a terminal; pipe sound into it")
        return PcmStream(open(0, "rb", buffering=0, closefd=False), *raw)
    kind, _, device = source.partition(":")
    if kind == "mic":
        return Microphone(device)
    if when_full is not None:
        raise ConfigError(f"{source}: a file can wait; --when-full is for - and mic")
    return Recording(checked(Path(source)), sample_rate)


def _rule(file: Path | None, fields: dict[str, float | None]) -> EventRule:
    """The rule of the file, with the options in the place of its fields."""
    rule = read_rule(file) if file else EventRule()
    given = {name: value for name, value in fields.items() if value is not None}
    return msgspec.structs.replace(rule, **given)


def _losses(session: Session) -> list[str]:
    """What was lost on the way to the model, a line each."""
    counts = session.counts
    lines = []
    if counts.bad_samples:
        lines.append(f"{counts.bad_samples} NaN, infinite or absurd samples were heard as silence")
    if counts.clipped_samples > _CLIPPED * counts.samples:
        share = counts.clipped_samples / counts.samples
        lines.append(f"{share:.0%} of the samples are clipped; turn the input down")
    for name, count in (("dropped", counts.dropped), ("merged", counts.merged)):
        if count:
            lines.append(f"the model was behind: {count} of {counts.windows} windows {name}")
    return lines
