"""How well are labels learned from a few recordings, and everything else kept out?

Draws of 5 labels, each a word of the manifest's labels, are learned from 10 recordings and tested
on others of them and on clips of none. Files whose names differ only in digits never stand on both
sides, and nor do sounds that are nearly the same.

    python benchmarks/few_shot.py MANIFEST --bundle student.tinyalm
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from tinyalm.adapters import EncoderInfo
from tinyalm.few_shot import learn
from tinyalm.shipped import find_bundle
from tinyalm_distill.evaluation.embedders import open_embedder
from tinyalm_distill.evaluation.hearing import Whole, hear
from tinyalm_distill.manifest import Clip, read_clips

# A label to learn: words that name it, and further words that may well hold it.
LABELS = {
    "bell": ("bell bells chime chimes", "ring ringtone phone alert gong clock"),
    "bird": ("bird birds chirping robin", "ambience ambient forest jungle chicken rooster"),
    "chicken": ("chicken hen rooster", "bird birds duck turkey"),
    "cow": ("cow cattle", "bull ox milk"),
    "crowd": ("crowd cheering applause booing", "people audience voices tavern sports"),
    "dog": ("dog bark barking", "wolf howl puppy"),
    "door": ("door doors gate", "open close creak knock"),
    "drum": ("drum drums snare", "kick percussion tom kit cymbal music loop bass clap beat"),
    "engine": ("engine engines motor", "car vehicle tank machine jet aircraft truck race steam"),
    "explosion": ("explosion explosions", "explode cannon grenade bomb missile rocket blast"),
    "footsteps": ("footsteps footstep", "step steps walk walking run running"),
    "frog": ("frog frogs", "ambience swamp"),
    "gun": ("gun guns rifle pistol shotgun", "shot shots fire weapon bullet shoot cannon"),
    "horse": ("horse horses neigh", "gallop cavalry"),
    "jet": ("jet aircraft airplane helicopter", "engine cockpit propeller rotor"),
    "music": ("music", "melody synth loop orchestral song theme drum bass guitar piano ambient"),
    "pig": ("pig boar", ""),
    "rain": ("rain", "thunder storm weather ambience water wind"),
    "sheep": ("sheep goat lamb", ""),
    "speaking": ("speaking spoken", "voice voices man woman word saying calling announcer letter"),
    "thunder": ("thunder lightning", "rain storm explosion"),
    "wolf": ("wolf wolves", "howl growl dog beast"),
}
# Sounds made up for games are not what the words say.
MADE_UP = "die dying death dead hurt hit attack pain zombie demon reload impact cartoon ko ghost"
NEARLY_THE_SAME = 0.995
PER_LABEL = 30  # test clips of each label, at most


@click.command()
@click.argument("manifest")
@click.option("--bundle", type=click.Path(path_type=Path))
@click.option("--teacher", help="Measure a teacher instead of a bundle.")
@click.option("--shots", default=10, show_default=True)
@click.option("--labels", default=5, show_default=True, help="Learned at once.")
@click.option("--draws", default=60, show_default=True)
@click.option("--background", default=1000, show_default=True, help="Clips that are set aside.")
@click.option("--clean", is_flag=True, help="Without the labels' own sounds in the background.")
def main(
    manifest: str,
    bundle: Path | None,
    teacher: str | None,
    shots: int,
    labels: int,
    draws: int,
    background: int,
    clean: bool,
) -> None:
    """Print accuracy and false alarms, with 95 % intervals over draws."""
    clips = read_clips(manifest)
    embedder = open_embedder(teacher or str(find_bundle(bundle)))
    heard = hear(embedder, [Whole(clip) for clip in clips])
    corpus = Corpus([clips[number] for number in heard.used], heard.rows, background)
    results = np.array(
        [measure(corpus, *draw, clean=clean) for draw in corpus.draws(draws, labels, shots)]
    )
    spread = 1.96 * results.std(axis=0) / len(results) ** 0.5
    names = ("accuracy", "accuracy at the threshold", "false alarms")
    for name, value, half in zip(names, results.mean(axis=0), spread, strict=True):
        click.echo(f"{name}: {value:.3f} +- {half:.3f}")


Draw = tuple[list[str], list[NDArray[np.intp]], list[NDArray[np.intp]]]


class Corpus:
    """Clips with embeddings, the labels that they hold or may hold, and a background."""

    def __init__(self, clips: Sequence[Clip], rows: NDArray[np.float32], background: int) -> None:
        """Set ``background`` clips aside."""
        self.rows = rows
        words = [set(re.split(r"[^a-z]+", " ".join(clip.labels))) for clip in clips]
        real = ~_any(words, MADE_UP)
        self.holds = {label: _any(words, own) & real for label, (own, _) in LABELS.items()}
        self.may_hold = {
            label: _any(words, f"{own} {near}") for label, (own, near) in LABELS.items()
        }
        self.families = np.array(
            [f"{c.source}/{re.sub(r'[0-9]+', '', c.file.stem)}" for c in clips]
        )
        aside = np.random.default_rng(0).permutation(len(clips))[:background]
        self.aside = np.isin(np.arange(len(clips)), aside)

    def draws(self, count: int, labels: int, shots: int) -> Iterator[Draw]:
        """Labels, their examples, and their tests, ``count`` times."""
        draw, found = np.random.default_rng(0), 0
        while found < count:
            names = draw.choice(list(LABELS), labels, replace=False).tolist()
            parts = [self._part(draw, name, names, shots) for name in names]
            if all(part is not None for part in parts):
                found += 1
                yield names, [p[0] for p in parts if p], [p[1] for p in parts if p]

    def _part(
        self, draw: np.random.Generator, name: str, names: list[str], shots: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        others = np.any([self.holds[one] for one in names if one != name], axis=0)
        clips = draw.permutation(np.flatnonzero(self.holds[name] & ~others & ~self.aside))
        families = draw.permutation(np.unique(self.families[clips]))
        ours = families[: max(1, min(len(families) - 4, shots, len(families) * 3 // 5))]
        inside = np.isin(self.families[clips], ours)
        # One of each family first, so that examples are as unlike as can be.
        turn = [
            list(self.families[clips[:at]]).count(self.families[clips[at]])
            for at in range(len(clips))
        ]
        candidates = clips[inside][np.argsort(np.array(turn)[inside], kind="stable")]
        examples, tests = candidates[:shots], clips[~inside]
        if len(examples) < shots or not len(tests):
            return None
        alike = (self.rows[tests] @ self.rows[examples].T).max(axis=1)
        tests = tests[alike < NEARLY_THE_SAME][:PER_LABEL]
        return (examples, tests) if len(tests) >= 5 else None


def measure(
    corpus: Corpus,
    names: list[str],
    examples: list[NDArray[np.intp]],
    tests: list[NDArray[np.intp]],
    *,
    clean: bool,
) -> tuple[float, float, float]:
    """Accuracy with and without the threshold, means over labels, and the rate of false alarms."""
    may_hold = np.any([corpus.may_hold[name] for name in names], axis=0)
    background = corpus.rows[corpus.aside & ~may_hold if clean else corpus.aside]
    learned = learn(
        {name: list(corpus.rows[clips]) for name, clips in zip(names, examples, strict=True)},
        background,
        name="benchmark",
        encoder=EncoderInfo(bundle="", audio_sha256="", embedding_dim=corpus.rows.shape[1]),
    )

    def answers(clips: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        cosines = corpus.rows[clips] @ learned.embeddings.T
        logits = learned.scale * cosines + learned.bias
        accepted = cosines >= learned.thresholds
        best = np.where(
            accepted.any(axis=1), np.where(accepted, logits, -np.inf).argmax(axis=1), -1
        )
        return best, logits.argmax(axis=1) == np.arange(len(names))[:, None]

    at_threshold, anyhow = [], []
    for index, clips in enumerate(tests):
        best, right = answers(clips)
        at_threshold.append(float((best == index).mean()))
        anyhow.append(float(right[index].mean()))
    best, _ = answers(np.flatnonzero(~may_hold & ~corpus.aside))
    return float(np.mean(anyhow)), float(np.mean(at_threshold)), float((best >= 0).mean())


def _any(words: list[set[str]], wanted: str) -> NDArray[np.bool_]:
    return np.array([bool(found & set(wanted.split())) for found in words])


if __name__ == "__main__":
    main()
