"""A bundle as a contender: ``python -m tinyalm.benchmark.tagging BUNDLE SECONDS THREADS``."""

import sys
from pathlib import Path

from tinyalm.benchmark.contender import Answer, serve
from tinyalm.benchmark.race import Contender
from tinyalm.bundle import BundleManifest
from tinyalm.model import load

LABELS = ("dog barking", "rain", "speech")


def contender(path: Path, manifest: BundleManifest, *, clip_s: float, threads: int) -> Contender:
    """Tagging with the bundle at ``path``, from waveform to scores, its labels embedded before."""
    name = f"tinyalm-{manifest.name}-{manifest.audio.precision}"
    return Contender(name, ["-m", __name__, str(path), str(clip_s), str(threads)])


def main(path: str, seconds: str, threads: str) -> None:
    """Be that contender."""
    model = load(path, threads=int(threads))
    rate = model.manifest.frontend.sample_rate
    labels = model.embed_labels(LABELS if model.manifest.text else None)

    def start() -> Answer:
        return lambda waveform: model.score(model.embed_windows(waveform, rate), labels)

    serve(start, float(seconds), rate)


if __name__ == "__main__":
    main(*sys.argv[1:])
