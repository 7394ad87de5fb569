"""`tinyalm learn`: labels of one's own from a few recordings of each."""

from pathlib import Path

import click

from tinyalm.adapters import save_adapter
from tinyalm.cli.inputs import checked, recordings
from tinyalm.cli.layout import aligned, size
from tinyalm.cli.model_options import bundle_option, threads_option
from tinyalm.cli.policy_options import given_policy, policy_options
from tinyalm.errors import ConfigError
from tinyalm.few_shot import FALSE_ALARM
from tinyalm.model import load

_NAME = "--name"


class _Learn(click.Command):
    """Lets ``--name`` take any number of files: ``--name A x y`` is ``--name A x --name A y``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat ``--name`` and its label before each file but the first."""
        spread: list[str] = []
        group: list[str] | None = None  # of the --name that is being read: label and files
        for arg in [*args, "--"]:
            if group is not None and not arg.startswith("-"):
                group.append(arg)
                continue
            if group is not None:
                if len(group) < 2:
                    raise click.UsageError(f"{_NAME} needs a label and files", ctx)
                spread += [part for file in group[1:] for part in (_NAME, group[0], file)]
            group = [] if arg == _NAME else None
            if group is None:
                spread.append(arg)
        return super().parse_args(ctx, spread)


@click.command(cls=_Learn)
@click.argument("folders", metavar="[FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    _NAME,
    "named",
    metavar="LABEL FILE...",
    nargs=2,
    multiple=True,
    type=(str, click.Path(path_type=Path)),
    help="A label and recordings of it; repeat for more labels.",
)
@click.option(
    "--others",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Recordings without the labels.",
)
@click.option(
    "--false-alarm",
    default=FALSE_ALARM,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of other sounds that may be answered, at most.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The adapter file.")
@bundle_option
@threads_option
@policy_options
def learn(
    folders: tuple[Path, ...],
    named: tuple[tuple[str, Path], ...],
    others: tuple[Path, ...],
    false_alarm: float,
    out: Path,
    bundle: Path | None,
    threads: int,
) -> None:
    """Learn labels from a few recordings of each (best 5 to 20) into an adapter file.

    Each folder in FOLDER is a label, named as the folder, and holds its recordings. With --name,
    labels are named here, and a folder among the files stands for the audio files in it:

        tinyalm learn --name "my doorbell" bell-*.wav --name kettle kettle/ --out home.adapter

    Answer with it: tinyalm tag FILE... --adapter home.adapter
    """
    examples = _examples(folders, named)
    model = load(bundle, threads=threads, policy=given_policy())
    learned = model.learn(
        {label: [checked(file) for file in recordings(files)] for label, files in examples.items()},
        name=out.stem,
        false_alarm=false_alarm,
        others=[checked(file) for file in recordings(others)],
    )
    save_adapter(learned, out)
    rows = [
        (label, f"{count} recordings")
        for label, count in zip(learned.labels, learned.examples, strict=True)
    ]
    click.echo(f"{aligned(rows)}\n{out}: {size(out.stat().st_size)}")


def _examples(
    folders: tuple[Path, ...], named: tuple[tuple[str, Path], ...]
) -> dict[str, list[Path]]:
    """Files and folders by label.

    Raises:
        ConfigError: no label at all, or a folder without folders in it.
    """
    examples: dict[str, list[Path]] = {}
    for folder in folders:
        inside = sorted(path for path in folder.glob("*") if path.is_dir())
        if not inside:
            raise ConfigError(f"{folder}: no folders in it; it must hold one for each label")
        for path in inside:
            examples.setdefault(path.name, []).append(path)
    for label, path in named:
        examples.setdefault(label, []).append(path)
    if not examples:
        raise ConfigError("nothing to learn; give a folder of folders or --name LABEL FILE...")
    return examples
