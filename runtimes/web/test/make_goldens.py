"""Write what the Python runtime answers, for the library's tests to answer alike.

python runtimes/web/test/make_goldens.py     # test/golden/micro.json, of the bundle that ships
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from sounds import sound

import tinyalm
from tinyalm.frontend import log_mel
from tinyalm.policy.words import named
from tinyalm.shipped import find_bundle
from tinyalm.streaming import EventRule, Hysteresis
from tinyalm.text import Tokens

OUT = Path(__file__).with_name("golden") / "micro.json"

# Name, rate, pieces: lengths below, at and above a window; several rates.
SOUNDS: list[tuple[str, int, list[list[Any]]]] = [
    ("beeps", 16000, [["tone", 2.5, 1000, 4]]),
    ("short", 16000, [["chirp", 0.4, 300, 3000]]),
    ("one window", 16000, [["noise", 0.975, 1, 0.3]]),
    ("siren", 16000, [["chirp", 1, 600, 1400], ["chirp", 1, 1400, 600], ["chirp", 1, 600, 1400]]),
    ("knocks", 16000, [["bursts", 3, 7, 3]]),
    ("hum", 8000, [["tone", 2, 100, 0]]),
    ("whistle", 44100, [["chirp", 1.7, 2000, 2600]]),
    ("rain", 48000, [["noise", 2.2, 5, 0.1]]),
    ("quiet", 22050, [["noise", 1.5, 9, 0.002]]),
    ("scene", 16000, [["noise", 3, 2, 0.2], ["tone", 3, 2000, 6], ["bursts", 3, 3, 2]]),
]
STREAM: list[list[Any]] = [
    ["noise", 2, 2, 0.001],
    ["tone", 3, 1000, 4],
    ["noise", 2.5, 4, 0.001],
    ["tone", 2, 1000, 4],
    ["bursts", 3, 3, 2],
    ["chirp", 2, 500, 1500],
]
LABELS = ["a beep", "white noise", "someone knocking", "a siren wailing", "a dog barking"]
TEXTS = [
    "a dog barks",
    "Rain, thunder & wind!",
    "  white   space\t\nand lines ",
    "café naïve ÀÉÎ",
    "don't stop-it (now); 3.14 100%",
    "unbelievablyunknownword xyzzyq",
    "雨の音 rain 音",
    "ΣΊΣΥΦΟΣ Straße İstanbul",
    "[UNK] and [PAD] inside",
    "emoji 🐕 barking\u200b zero\u00a0width",
    "a" * 120,
    "word " * 80,
    "dog's bark—loud… “quoted”",
]
ASKED = [
    "a dog barking",
    "a woman speaking",
    "who is this",
    "an angry voice",
    "male frog",
    "an elderly person",
    "thunder",
    "a person with asthma",
    "coughing",
]
RULES = [
    EventRule(on=0.3, min_gap_s=1.5, min_duration_s=0.5),
    EventRule(on=0.25, off=0.2, smoothing_s=1.0, refractory_s=1.0),
    EventRule(on=0.5, labels={"{label}": Hysteresis(on=0.1, refractory_s=3.0)}),
]


def goldens(
    bundle: Path,
    clips: list[tuple[str, int, NDArray[np.float32] | list[list[Any]]]],
    labels: list[str],
    stream: list[list[Any]] = STREAM,
) -> dict[str, Any]:
    """What a bundle answers, ready to be written as JSON.

    Args:
        bundle: its folder.
        clips: name, rate, and samples (written to files by the caller) or pieces.
        labels: texts that are asked beside the bundle's own.
        stream: what is listened to, at 16 kHz.
    """
    model = tinyalm.load(bundle)
    manifest = model.manifest
    rate = manifest.frontend.sample_rate
    answers: dict[str, Any] = {
        "precision": manifest.audio.precision,
        "clips": [_clip(model, *clip, labels) for clip in clips],
        "labels": {"texts": labels, "embeddings": _packed(model.embed_labels(labels).embeddings)},
        "ownLabels": _packed(model.embed_labels().embeddings[:40]),
    }
    if manifest.text is not None:
        tokens = Tokens(bundle / manifest.text.tokenizer, manifest.text.max_tokens)
        answers["tokens"] = [[text, tokens([text])[0][0].tolist()] for text in TEXTS]
    mel = sound([["chirp", 0.3, 100, 7000], ["noise", 0.1, 3, 1e-4]], rate)
    answers["logMel"] = _packed(log_mel(mel, manifest.frontend).astype(np.float32))
    answers["stream"] = {
        "pieces": stream,
        "runs": [_events(model, stream, labels, r) for r in RULES],
    }
    answers["learned"] = _learned(model, rate)
    if manifest.caption is not None:
        answers["captions"] = [
            {"clip": name, "beam": beam, "style": style, "caption": said.to_dict()}
            for name, at, given in clips[-3:]
            for beam, style in ((1, "full"), (3, "short"))
            if (said := model.caption(_samples(given, at), sample_rate=at, beam=beam, style=style))
        ]
    return answers


def _samples(given: NDArray[np.float32] | list[list[Any]], rate: int) -> NDArray[np.float32]:
    return sound(given, rate) if isinstance(given, list) else given


def _clip(
    model: tinyalm.Model,
    name: str,
    rate: int,
    given: NDArray[np.float32] | list[list[Any]],
    labels: list[str],
) -> dict[str, Any]:
    samples = _samples(given, rate)
    windows = model.embed_windows(samples, rate)
    return {
        "name": name,
        "rate": rate,
        "pieces": given if isinstance(given, list) else None,
        "spans": np.stack([windows.start_s, windows.end_s]).T.tolist(),
        "embeddings": _packed(windows.embeddings),
        "own": model.tag(samples, sample_rate=rate, top_k=3).to_dict(),
        "asked": model.tag(samples, labels, sample_rate=rate, top_k=len(labels)).to_dict(),
    }


def _events(
    model: tinyalm.Model, stream: list[list[Any]], labels: list[str], rule: EventRule
) -> dict[str, Any]:
    if rule.labels:
        rule = EventRule(on=rule.on, labels={labels[0]: rule.labels["{label}"]})
    rate = model.manifest.frontend.sample_rate
    with model.session(labels, rule=rule) as session:
        events = session.push(sound(stream, rate), rate)
        events += session.flush()
    fields = ("on", "off", "min_duration_s", "min_gap_s", "refractory_s", "smoothing_s")

    def plain(one: Hysteresis) -> dict[str, Any]:
        given = {name: getattr(one, name) for name in fields}
        return {_camel(name): value for name, value in given.items() if value is not None}

    own = {label: plain(one) for label, one in rule.labels.items()}
    return {
        "rule": plain(rule) | ({"labels": own} if own else {}),
        "events": [event.to_dict() for event in events],
    }


def _learned(model: tinyalm.Model, rate: int) -> dict[str, Any]:
    """A label of three sounds, told from the background and from one other."""
    clips = [[["tone", 1.2, hz, 5]] for hz in (900, 1000, 1100)]
    others = [[["noise", 1, seed, 0.2]] for seed in (1, 2, 3, 4)]
    made = [[sound(pieces, rate) for pieces in group] for group in (clips, others)]
    learned = model.learn({"our bell": made[0]}, others=made[1], sample_rate=rate)
    tags = model.tag(made[0][1], sample_rate=rate).to_dict()["tags"]
    model.detach()
    return {
        "clips": clips,
        "others": others,
        "embedding": _packed(learned.embeddings[0]),
        "scale": float(learned.scale[0]),
        "bias": float(learned.bias[0]),
        "threshold": float(learned.thresholds[0]),
        "tags": tags,
    }


def common() -> dict[str, Any]:
    """What belongs to no bundle: resampled sounds, and sensitive words."""
    pieces = [["chirp", 0.1, 50, 20000], ["noise", 0.02, 3, 0.3]]
    rates = [(48000, 16000), (44100, 16000), (8000, 16000), (22050, 16000), (96000, 32000)]
    return {
        "resampled": [
            {
                "from": one,
                "to": other,
                "pieces": pieces,
                "samples": _packed(soxr.resample(sound(pieces, one), one, other, quality="HQ")),
            }
            for one, other in rates
        ],
        "named": [[text, named(text)] for text in ASKED],
    }


def written(content: dict[str, Any]) -> str:
    """The JSON of goldens."""
    plain = json.dumps(
        content, ensure_ascii=False, separators=(",", ":"), default=lambda value: value.item()
    )
    return plain + "\n"


def _packed(values: NDArray[Any]) -> str:
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


if __name__ == "__main__":
    content = common() | goldens(find_bundle(None), SOUNDS, LABELS)
    OUT.write_text(written(content), "utf-8")
