"""Watches a house: tells of the doorbell and the smoke alarm, and finds yesterday's moments.

    python watcher.py HOME watch [RECORDING]    # the microphone, where no recording is named
    python watcher.py HOME yesterday "our doorbell"

HOME holds the policy and its signature, the public key, the key of the index, and three folders of
recordings: of the doorbell, of other sounds of the house, and what a recorder writes. Nothing here
opens a socket, and no sound is written. docs/embedding.md explains it line by line.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import click

import tinyalm
from tinyalm import Event, EventRule, Hysteresis, TinyalmError
from tinyalm.index import Hit
from tinyalm.policy.reading import read_policy
from tinyalm.streaming import Microphone, Stream

DOORBELL = "our doorbell"  # learned from recordings
SMOKE_ALARM = "Smoke detector, smoke alarm"  # known by its name
RULE = EventRule(
    labels={
        DOORBELL: Hysteresis(refractory_s=10),
        SMOKE_ALARM: Hysteresis(on=0.9, min_duration_s=1, refractory_s=60),
    }
)


class Watcher:
    """A house: what its doorbell sounds like, what is heard in it, and what is remembered."""

    def __init__(self, home: Path) -> None:
        policy = read_policy(home / "watcher.toml", key=home / "public.pem")
        self.home, self.model = home, tinyalm.load(policy=policy)
        rings, others = (sorted((home / folder).iterdir()) for folder in ("rings", "others"))
        self.model.learn({DOORBELL: rings}, others=others)

    def watch(self, source: Path | Stream, tell: Callable[[Event], None]) -> None:
        """Listen until ``source`` ends, and ``tell`` of each event."""
        for event in self.model.listen(source, [SMOKE_ALARM], rule=RULE):
            tell(event)

    def yesterday(self, text: str) -> list[Hit]:
        """The moments of yesterday's recordings that ``text`` says, best first."""
        today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        with self.model.index(self.home / "sounds.db", key=self.home / "index.key") as index:
            index.sync(self.home / "recordings")
            return index.search(text, after=today - timedelta(days=1), before=today)


def show(answer: Event | Hit) -> None:
    """Print it as a line of JSON; a device would ring, blink or call."""
    click.echo(json.dumps(answer.to_dict()))


@click.command()
@click.argument("home", type=click.Path(path_type=Path))
@click.argument("task", type=click.Choice(["watch", "yesterday"]))
@click.argument("what", required=False)
def main(home: Path, task: str, what: str | None) -> None:
    """Watch the house HOME, or say when yesterday there was WHAT."""
    try:
        watcher = Watcher(home)
        if task == "watch":
            watcher.watch(Path(what) if what else Microphone(), show)
        else:
            for hit in watcher.yesterday(what or SMOKE_ALARM):
                show(hit)
    except TinyalmError as error:
        raise SystemExit(f"watcher: {error}") from None


if __name__ == "__main__":
    main()
