"""Tiny models of real architectures, randomly initialised, as they lie on disk."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    AddedToken,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    WhisperFeatureExtractor,
)

SENTENCES = (
    "a dog barks loudly in the yard",
    "rain falls on the roof of the house",
    "this is a sound of a car on the street",
    "someone whistles and hums",
)
RATE = 48000
SMALL_AUDIO = {
    "patch_size": 8,
    "patch_stride": [8, 8],
    "patch_embeds_hidden_size": 16,
    "depths": [1, 2],
    "num_attention_heads": [2, 4],
    "hidden_size": 32,
    "num_hidden_layers": 2,
}
SMALL_TEXT = {
    "vocab_size": 360,
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 82,
    "layer_norm_eps": 1e-5,
}


def byte_tokenizer(special: tuple[str, ...] = ("<s>", "<pad>", "</s>", "<unk>")) -> Tokenizer:
    """A byte-level BPE tokenizer, trained on `SENTENCES`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=SMALL_TEXT["vocab_size"] - 10,
        special_tokens=list(special),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator([*SENTENCES] * 3, trainer)
    return tokenizer


def roberta_tokenizer() -> Tokenizer:
    tokenizer = byte_tokenizer()
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), add_prefix_space=False
    )
    return tokenizer


def shaken(model: nn.Module, seed: int = 0) -> nn.Module:
    """Weights that tell inputs apart: larger than at birth, with statistics of log-mels in dB."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            if not value.is_floating_point():
                continue
            if name.endswith(("batch_norm.running_mean", "bn0.running_mean")):
                value.uniform_(-40, -20, generator=draw)
            elif name.endswith(("batch_norm.running_var", "bn0.running_var")):
                value.uniform_(50, 200, generator=draw)
            elif "running" not in name:
                value.add_(torch.randn(value.shape, generator=draw) * 0.1)
    return model.eval()


def clap_config(*, fused: bool) -> ClapConfig:
    return ClapConfig(
        text_config=SMALL_TEXT,
        audio_config=SMALL_AUDIO | {"enable_fusion": fused},
        projection_dim=24,
    )


def save_clap(folder: Path, *, fused: bool) -> Path:
    """A `ClapModel` with its processor's settings, as save_pretrained leaves them."""
    shaken(ClapModel(clap_config(fused=fused))).save_pretrained(folder)
    extractor = ClapFeatureExtractor(
        frequency_min=50, truncation="fusion" if fused else "rand_trunc", padding="repeatpad"
    )
    extractor.save_pretrained(folder)
    roberta_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def save_qwen2_audio(folder: Path, seed: int = 0) -> Path:
    """A Qwen2-Audio that hears up to 2 s, with its processor."""
    special = ("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", "<|im_start|>", "<|im_end|>")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer((*special, "<pad>")),
        pad_token="<pad>",
        eos_token="<|im_end|>",
        additional_special_tokens=[AddedToken(token, special=True) for token in special[:4]],
    )
    torch.manual_seed(seed)
    vocabulary = len(tokenizer)
    config = Qwen2AudioConfig(
        audio_config={
            "model_type": "qwen2_audio_encoder",
            "num_mel_bins": 16,
            "d_model": 16,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "max_source_positions": 100,
        },
        text_config={
            "model_type": "qwen2",
            "vocab_size": vocabulary,
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "intermediate_size": 32,
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )
    model = shaken(Qwen2AudioForConditionalGeneration(config), seed)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    extractor = WhisperFeatureExtractor(feature_size=16, chunk_length=2)
    Qwen2AudioProcessor(extractor, tokenizer).save_pretrained(folder)
    return folder


def sounds(seconds: tuple[float, ...], rate: int = RATE) -> list[np.ndarray]:
    """Noises of different colour and loudness, each (samples,) float32."""
    made = []
    for number, length in enumerate(seconds):
        draw = np.random.default_rng(number)
        count = round(length * rate)
        tone = np.sin(2 * np.pi * 220 * (number + 1) * np.arange(count) / rate)
        swell = np.linspace(0.01, 1, count)
        made.append((swell * (0.3 * tone + 0.02 * draw.normal(size=count))).astype("f4"))
    return made
