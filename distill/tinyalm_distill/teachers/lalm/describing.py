"""Captions and labels for recordings that have none, each kept only if a judge agrees.

Large audio-language models name sounds that are not there (arXiv:2406.08402). So every claim is
scored by an audio-text teacher, by the cosine of the sound and the claim, and kept from a threshold
on. What is written is a manifest of JSON Lines: ``caption`` and ``label`` hold what was kept, and
``answers`` all that was said.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import read
from tinyalm.errors import AudioError, ConfigError
from tinyalm_distill.manifest import Clip
from tinyalm_distill.teachers.lalm.records import (
    Answer,
    Claim,
    Record,
    Settings,
    relative,
    resume,
)
from tinyalm_distill.teachers.lalm.tasks import CAPTION, Question
from tinyalm_distill.teachers.protocols import AudioTextTeacher, CaptionTeacher

Progress = Callable[[int, int, str], None]  # done, of how many, and what to say beside


class Describer:
    """Asks a model about clips, and a judge about its answers."""

    def __init__(
        self,
        teacher: CaptionTeacher,
        judge: AudioTextTeacher,
        questions: Sequence[Question],
        settings: Settings,
    ) -> None:
        """Ask ``teacher`` the ``questions``, as ``settings`` say of both."""
        self._teacher, self._judge = teacher, judge
        self._questions, self._settings = questions, settings
        self._rate = max(teacher.sample_rate, judge.sample_rate)

    def write(self, clips: Sequence[Clip], out: Path, progress: Progress) -> list[str]:
        """Describe ``clips`` into ``out``, a record a clip in their order.

        Records are written a batch at a time. What an interrupted call left is gone on with, from
        the start of the batch that it was in, so that the result is the same.

        Returns:
            Why clips were skipped, a line each.

        Raises:
            ConfigError: ``out`` holds records of other clips or settings, or cannot be written.
        """
        kept = resume(out, clips, self._settings)
        skipped = [record.skipped for record in kept if record.skipped]
        counts = _counts(kept)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            with out.open("ab") as file:
                for start in range(len(kept), len(clips), self._settings.batch):
                    records = self._describe(clips[start : start + self._settings.batch], out)
                    for record in records:
                        file.write(msgspec.json.encode(record) + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
                    skipped += [record.skipped for record in records if record.skipped]
                    counts += _counts(records)
                    note = f"kept {counts[0]} of {counts[1]} claims"
                    progress(start + len(records), len(clips), note)
        except OSError as error:
            raise ConfigError(
                f"{out}: cannot be written ({error.strerror}); the same command goes on from there"
            ) from None
        return skipped

    def _describe(self, clips: Sequence[Clip], out: Path) -> list[Record]:
        sounds = [self._read(clip) for clip in clips]
        heard = [sound for sound in sounds if not isinstance(sound, str)]
        said = iter(self._answers(heard))
        return [
            self._record(clip, [], sound, out)
            if isinstance(sound, str)
            else self._record(clip, next(said), "", out)
            for clip, sound in zip(clips, sounds, strict=True)
        ]

    def _read(self, clip: Clip) -> NDArray[np.float32] | str:
        try:
            return read(clip.file, self._rate, start_s=clip.start_s, end_s=clip.end_s)
        except AudioError as error:
            return str(error)

    def _answers(self, sounds: Sequence[NDArray[np.float32]]) -> list[list[Answer]]:
        """Every question's answers, a list a sound."""
        if not sounds:
            return []
        embeddings = self._judge.embed_audio(sounds, self._rate)
        answers: list[list[Answer]] = [[] for _ in sounds]
        for question in self._questions:
            captions = self._teacher.describe(sounds, self._rate, question.prompt)
            for given, sound, caption in zip(answers, embeddings, captions, strict=True):
                claims = self._judged(sound, question, question.claims(caption.text))
                given.append(Answer(question.task, caption.prompt, caption.text, claims))
        return answers

    def _judged(
        self, sound: NDArray[np.float32], question: Question, claims: list[str]
    ) -> list[Claim]:
        template = "{}" if question.task == CAPTION else self._judge.template
        texts = self._judge.embed_text([template.replace("{}", claim) for claim in claims])
        scores = [round(float(score), 4) for score in texts @ sound]
        return [
            Claim(claim, score, score >= self._settings.threshold)
            for claim, score in zip(claims, scores, strict=True)
        ]

    def _record(self, clip: Clip, answers: list[Answer], skipped: str, out: Path) -> Record:
        labels, captions = list(clip.labels), list(clip.captions)
        for answer in answers:
            kept = [claim.text for claim in answer.claims if claim.kept]
            (captions if answer.task == CAPTION else labels).extend(kept)
        return Record(
            file=relative(clip.file, out),
            start_s=clip.start_s,
            end_s=clip.end_s,
            label=list(dict.fromkeys(labels)),
            caption=list(dict.fromkeys(captions)),
            split=clip.split,
            source=clip.source,
            licence=clip.licence,
            answers=answers,
            skipped=skipped,
            made_by=self._settings,
        )


def _counts(records: Sequence[Record]) -> NDArray[np.int64]:
    """Claims kept, and all claims."""
    claims = [c for record in records for answer in record.answers for c in answer.claims]
    return np.array([sum(claim.kept for claim in claims), len(claims)])
