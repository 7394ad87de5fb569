"""Any audio-text-to-text model of transformers as a `CaptionTeacher`."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from tinyalm.errors import ConfigError
from tinyalm_distill.teachers.answers import Caption
from tinyalm_distill.teachers.hearing import at_rate
from tinyalm_distill.teachers.loading import load_model, model_type
from tinyalm_distill.teachers.source import Source, locate, one_line

_VERSION = 1  # of the code: raised whenever answers of the same checkpoint change
_MOST_TOKENS = 96  # of an answer
_REMEDY = "give a folder that save_pretrained of the model and of its processor wrote"
# transformers' auto classes of models that take sound and text and generate text, newest first.
_AUTO = (
    "AutoModelForMultimodalLM",
    "AutoModelForSeq2SeqLM",
    "AutoModelForImageTextToText",
    "AutoModelForSpeechSeq2Seq",
)
_LISTENERS = ("feature_extractor", "audio_processor")  # of a processor


class Lalm:
    """A model that is played a sound and asked something."""

    def __init__(
        self, source: Source, *, threads: int = 2, temperature: float = 0.0, seed: int = 0
    ) -> None:
        """Load the checkpoint at ``source``.

        Args:
            source: a folder.
            threads: of the CPU.
            temperature: of the words that are drawn; 0 always takes the likeliest.
            seed: of what is drawn, with prompt and sounds: the same call has the same answers.

        Raises:
            ConfigError: it has no config or processor, or neither hears nor writes.
            DataError: its weights are damaged.
        """
        kind = model_type(source.path, _REMEDY)
        self.name = f"lalm:{source.name}"
        self.revision = f"{_VERSION}-{source.digest()}"
        self.licence = source.licence()
        self._temperature, self._seed = temperature, seed
        auto = _auto_class(source.path, kind)
        self._processor, self.sample_rate = _read_processor(source.path, kind)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = load_model(auto, source.path).to(self._device)
        torch.set_num_threads(threads)

    def describe(
        self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int, prompt: str
    ) -> list[Caption]:
        """The answers to ``prompt``, generated in one batch; how much it hears is the processor's.

        Args:
            waveforms: each (samples,) float32 in [-1, 1].
            sample_rate: Hz; any but its own is resampled.
            prompt: in words, the same for all.
        """
        if not waveforms:
            return []
        sounds = [at_rate(waveform, sample_rate, self.sample_rate) for waveform in waveforms]
        inputs = self._processor(
            text=[self._asked(prompt)] * len(sounds),
            audio=sounds,
            sampling_rate=self.sample_rate,
            padding=True,
            return_tensors="pt",
        ).to(self._device, self._model.dtype)
        options: dict[str, Any] = {"do_sample": False}
        if self._temperature > 0:
            options = {"do_sample": True, "temperature": self._temperature, "top_k": 0}
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(self._seed_of(sounds, prompt))
            written = self._model.generate(
                **inputs, **options, max_new_tokens=_MOST_TOKENS, pad_token_id=self._padding
            )
        if not self._model.config.is_encoder_decoder:
            written = written[:, inputs["input_ids"].shape[1] :]
        texts = self._processor.batch_decode(written, skip_special_tokens=True)
        model = f"{self.name} {self.revision}"
        return [Caption(" ".join(text.split()), prompt, model) for text in texts]

    @property
    def _padding(self) -> int:
        return int(self._processor.tokenizer.pad_token_id)

    def _asked(self, prompt: str) -> str:
        """The prompt after the sound, as the checkpoint's chat template has it, or bare."""
        if self._processor.chat_template is None:
            return f"{self._processor.audio_token}{prompt}"
        said = [{"type": "audio", "audio": ""}, {"type": "text", "text": prompt}]
        text: str = self._processor.apply_chat_template(
            [{"role": "user", "content": said}], tokenize=False, add_generation_prompt=True
        )
        return text

    def _seed_of(self, sounds: Sequence[NDArray[np.float32]], prompt: str) -> int:
        digest = hashlib.sha256(f"{self._seed} {prompt}".encode())
        for sound in sounds:
            digest.update(sound.tobytes())
        return int.from_bytes(digest.digest()[:7], "big")


def open_lalm(given: str, *, threads: int = 2, temperature: float = 0.0, seed: int = 0) -> Lalm:
    """The teacher ``lalm:given``, a folder or hub id; raises what `Lalm` and `locate` do."""
    source = locate("lalm", given)
    if not source.path.is_dir():
        raise ConfigError(f"{source.path}: a file; {_REMEDY}")
    return Lalm(source, threads=threads, temperature=temperature, seed=seed)


def _auto_class(folder: Path, kind: str) -> Any:  # noqa: ANN401 - transformers has no types
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers raises almost anything for an odd config
        raise ConfigError(
            f"{folder}: transformers does not know {kind!r} ({one_line(error)}); update it, or "
            "name another checkpoint"
        ) from None
    for name in _AUTO:
        auto = getattr(transformers, name, None)
        if auto is not None and type(config) in auto._model_mapping:
            return auto
    raise ConfigError(
        f"{folder}: a checkpoint of {kind!r}, which does not put sounds into words; name an "
        "audio-text-to-text model, such as Qwen2-Audio"
    )


def _read_processor(folder: Path, kind: str) -> tuple[Any, int]:
    """The processor, which pads on the left as generation needs it, and its rate in Hz."""
    try:
        read: Any = transformers.AutoProcessor  # untyped
        processor = read.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as above
        raise ConfigError(f"{folder}: no processor ({one_line(error)}); {_REMEDY}") from None
    listener = next((getattr(processor, n) for n in _LISTENERS if hasattr(processor, n)), None)
    rate = getattr(listener, "sampling_rate", None)
    if rate is None:
        raise ConfigError(f"{folder}: a checkpoint of {kind!r}, which hears no sound; name another")
    tokenizer = processor.tokenizer
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return processor, int(rate)
