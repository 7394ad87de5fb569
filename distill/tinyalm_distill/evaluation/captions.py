"""Captions of recordings beside what is easier to make: the nearest caption, and a template."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tinyalm
from tinyalm.audio import read
from tinyalm.captioning.grounding import names_something
from tinyalm.captioning.side import CaptionSide, Style
from tinyalm.captioning.vocabulary import sentence
from tinyalm.encoder import Encoder
from tinyalm.engine import engine
from tinyalm.errors import AudioError, DataError
from tinyalm.model import Model
from tinyalm.shipped import find_bundle
from tinyalm.text_side import TextSide
from tinyalm_distill.evaluation.bootstrap import Statistic
from tinyalm_distill.evaluation.metrics import mean, share
from tinyalm_distill.evaluation.results import Measurement
from tinyalm_distill.evaluation.sentences import bleu, cider_d, rouge_l, words_of
from tinyalm_distill.manifest import Clip
from tinyalm_distill.progress import bar
from tinyalm_distill.teachers import AudioTextTeacher

Read = Callable[[Sequence[str]], NDArray[np.float32]]

_CLASSES = 5  # of the teacher's, that support a word
_SUPPORTED = 0.5  # least cosine of a word to a reference or class


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Who says how good captions are.

    Attributes:
        read: sentences to (n, dim) float32 of unit length, in which likeness is a cosine.
        teacher: whose classes a clip may be said to hold.
    """

    read: Read
    teacher: AudioTextTeacher

    def classes(self, waveform: NDArray[np.float32], sample_rate: int) -> list[str]:
        """Names of the classes that the teacher hears most; none of a teacher without any."""
        answers = self.teacher.answer([waveform], sample_rate)
        if answers.probabilities is None:
            return []
        best = np.argsort(-answers.probabilities.reshape(-1))[:_CLASSES]
        return [name.strip() for at in best for name in self.teacher.labels[at].split(",")]


def measure_captions(
    bundle: Path | None,
    clips: Sequence[Clip],
    bank: Sequence[str],
    judge: Judge,
    *,
    beam: int = 4,
    style: Style = "short",
) -> list[Measurement]:
    """Caption ``clips`` and compare what is said with their captions, else with their labels.

    Beside the captioner of ``bundle``: its decoder without grounding, the caption of ``bank`` that
    is nearest to the sound, and ``the sound of X and Y`` of the bundle's two best labels.

    Args:
        bundle: with a captioner, and labels of its own.
        clips: those without captions and labels are left out.
        bank: captions, at least one.
        judge: of the captions.
        beam: of the search.
        style: of the captions.

    Raises:
        DataError: no clip has a caption or label, or none can be used.
        BundleError: the bundle has no captioner.
    """
    clips = [clip for clip in clips if clip.captions or clip.labels]
    if not clips or not bank:
        raise DataError("captions are measured on clips with captions or labels, beside a bank")
    systems = _Systems(bundle, bank, beam, style)
    said: dict[str, list[str]] = {name: [] for name in systems.names}
    used, classes, skipped = [], [], []
    with bar("captioning clips") as progress:
        for number, clip in enumerate(clips):
            try:
                waveform = read(clip.file, systems.rate, start_s=clip.start_s, end_s=clip.end_s)
                answers = systems(waveform)
            except AudioError as error:
                skipped.append(str(error))
                continue
            for name, text in answers.items():
                said[name].append(text)
            classes.append(judge.classes(waveform, systems.rate))
            used.append(number)
            progress(number + 1, len(clips))
    if not used:
        raise DataError(f"none of the {len(clips)} clips can be used; the first: {skipped[0]}")
    references = [clips[number].captions or clips[number].labels for number in used]
    return [
        Measurement(
            measure="captions",
            model=f"{systems.name} {name}",
            clips=np.array(used),
            statistics=caption_statistics(texts, references, classes, judge.read),
            facts={"beam": beam, "style": style, "references": _kind(clips, used)},
            skipped=skipped,
        )
        for name, texts in said.items()
    ]


def caption_statistics(
    said: Sequence[str],
    references: Sequence[Sequence[str]],
    classes: Sequence[Sequence[str]],
    read: Read,
) -> Mapping[str, Statistic]:
    """What n captions are measured by.

    Args:
        said: the captions.
        references: at least one of each.
        classes: names of sounds that each clip may be said to hold.
        read: sentences to (m, dim) float32 of unit length.
    """
    unsupported, named = _unsupported(said, references, classes, read)
    return {
        "similarity": mean(_similarity(said, references, read)),
        "CIDEr-D": mean(cider_d(said, references)),
        "BLEU-4": bleu(said, references),
        "ROUGE-L": mean(rouge_l(said, references)),
        "hallucination": share(unsupported, named),
    }


def _similarity(
    said: Sequence[str], references: Sequence[Sequence[str]], read: Read
) -> NDArray[np.float64]:
    """Cosine of each caption to the most like of its references, (n,)."""
    rows = read(list(said))
    known = dict(_read_once(references, read))
    return np.array(
        [
            max(float(row @ known[reference]) for reference in several)
            for row, several in zip(rows, references, strict=True)
        ]
    )


def _unsupported(
    said: Sequence[str],
    references: Sequence[Sequence[str]],
    classes: Sequence[Sequence[str]],
    read: Read,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Words of each caption that nothing supports, and all that name something, both (n,)."""
    words = [sorted({w for w in words_of(text) if names_something(w)}) for text in said]
    supports = [
        sorted({word for text in (*refs, *names) for word in (text, *words_of(text))})
        for refs, names in zip(references, classes, strict=True)
    ]
    known = dict(_read_once([*words, *supports], read))
    missing = []
    for mine, theirs in zip(words, supports, strict=True):
        held = np.stack([known[text] for text in theirs])
        missing.append(sum(float((held @ known[word]).max()) < _SUPPORTED for word in mine))
    return np.array(missing, np.float64), np.array([len(mine) for mine in words], np.float64)


def _read_once(
    groups: Sequence[Sequence[str]], read: Read
) -> list[tuple[str, NDArray[np.float32]]]:
    texts = sorted({text for group in groups for text in group})
    return list(zip(texts, read(texts), strict=True)) if texts else []


def _kind(clips: Sequence[Clip], used: Sequence[int]) -> str:
    return "captions" if all(clips[number].captions for number in used) else "labels"


class _Systems:
    """All that captions a clip: the captioner, and what it is measured beside."""

    names = ("captioner", "decoder alone", "nearest caption", "label template")

    def __init__(self, bundle: Path | None, bank: Sequence[str], beam: int, style: Style) -> None:
        path = find_bundle(bundle)
        self._model: Model = tinyalm.load(path)
        manifest = self._model.manifest
        self.name, self.rate = path.resolve().name, manifest.frontend.sample_rate
        self._bank, self._beam, self._style = list(bank), beam, style
        self._rows = self._model.embed_text(self._bank)
        used = engine("onnxruntime")
        text = TextSide(
            path, manifest, lambda info: Encoder(path, info, manifest.embedding_dim, used, 1)
        )
        self._decoder = CaptionSide(path, manifest, used, 1, text)

    def __call__(self, waveform: NDArray[np.float32]) -> dict[str, str]:
        said = self._model.caption(
            waveform, sample_rate=self.rate, beam=self._beam, style=self._style
        )
        embedding = self._model.embed_audio(waveform, sample_rate=self.rate)
        plain, *_ = self._decoder.say(embedding, beam=self._beam, style=self._style)
        best = [
            tag.label.split(",")[0].lower()
            for tag in self._model.tag(waveform, sample_rate=self.rate, top_k=2)
        ]
        return {
            "captioner": said.text,
            "decoder alone": sentence(self._decoder.words(plain)),
            "nearest caption": self._bank[int((self._rows @ embedding).argmax())],
            "label template": "the sound of " + " and ".join(best),
        }
