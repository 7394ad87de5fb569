from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from tinyalm.captioning.vocabulary import END, FULL, SPECIAL
from tinyalm.errors import ConfigError, DataError
from tinyalm.models.captioner import Captioner, CaptionerConfig
from tinyalm.models.captioner_checkpoint import (
    CaptionerMeta,
    TrainedCaptioner,
    load_captioner,
    save_captioner,
)
from tinyalm_distill.captioning.lessons import make_tokenizer

CONFIG = CaptionerConfig(
    embedding_dim=12, vocabulary=20, width=16, layers=2, heads=2, prefix=3, max_tokens=10
)


def random_captioner(config: CaptionerConfig = CONFIG) -> Captioner:
    torch.manual_seed(0)
    captioner = Captioner(config)
    with torch.no_grad():
        for weights in captioner.parameters():
            weights += 0.2 * torch.randn_like(weights)
    return captioner.eval()


def test_step_by_step_with_the_cache_is_all_at_once() -> None:
    captioner = random_captioner()
    embedding = F.normalize(torch.randn(3, 1, 12), dim=-1)
    ids = torch.randint(CONFIG.vocabulary, (3, 7))
    with torch.inference_mode():
        whole, present = captioner(embedding, ids, captioner.nothing(3))
        past, given, steps = captioner.nothing(3), embedding, []
        for at in (slice(0, 1), slice(1, 4), slice(4, 7)):
            logits, past = captioner(given, ids[:, at], past)
            given = given[:, :0]
            steps.append(logits)
    assert torch.allclose(torch.cat(steps, dim=1), whole, atol=1e-5)
    assert torch.allclose(past, present, atol=1e-5)
    assert present.shape == (2, 2, 3, 2, CONFIG.prefix + 7, 8)


def test_what_comes_later_changes_nothing_before_it() -> None:
    captioner = random_captioner()
    embedding, ids = torch.randn(1, 1, 12), torch.randint(CONFIG.vocabulary, (1, 6))
    changed = ids.clone()
    changed[0, 4] = (ids[0, 4] + 1) % CONFIG.vocabulary
    with torch.inference_mode():
        one, other = (captioner(embedding, x, captioner.nothing(1))[0] for x in (ids, changed))
    assert torch.equal(one[:, :4], other[:, :4])
    assert not torch.equal(one[:, 4], other[:, 4])


def test_greedy_says_what_the_whole_sentence_makes_likeliest() -> None:
    captioner = random_captioner()
    embeddings = F.normalize(torch.randn(5, 12), dim=-1)
    for said, embedding in zip(captioner.greedy(embeddings, FULL), embeddings, strict=True):
        ids = torch.tensor([[FULL, *said]])
        with torch.inference_mode():
            logits, _ = captioner(embedding[None, None], ids, captioner.nothing(1))
        likeliest = logits[0].argmax(dim=-1).tolist()
        assert likeliest[: len(said)] == said
        assert len(said) == CONFIG.max_tokens - 1 or likeliest[len(said)] == END


@pytest.mark.parametrize(
    "wrong", [{"layers": 0}, {"width": 15}, {"vocabulary": len(SPECIAL)}, {"max_tokens": 1}]
)
def test_shapes_that_cannot_be_built_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        CaptionerConfig(**({"embedding_dim": 12, "vocabulary": 20} | wrong))


def saved(folder: Path) -> TrainedCaptioner:
    tokenizer = make_tokenizer(["a dog and rain"] * 3, 40)
    config = CaptionerConfig(
        embedding_dim=12, vocabulary=tokenizer.get_vocab_size(), width=16, layers=1, heads=2
    )
    meta = CaptionerMeta(name="tiny", teacher="tones 1", config=config, created_by="tests")
    captioner = random_captioner(config)
    examples = F.normalize(torch.randn(4, 12), dim=-1)
    save_captioner(folder, meta, captioner, tokenizer, examples)
    return TrainedCaptioner(meta, captioner, tokenizer, examples)


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    wrote, read = saved(tmp_path), load_captioner(tmp_path)
    assert read.meta == wrote.meta
    assert read.tokenizer.get_vocab() == wrote.tokenizer.get_vocab()
    assert torch.allclose(read.examples, wrote.examples, atol=1e-3)
    for name, values in wrote.captioner.state_dict().items():
        assert torch.equal(values, read.captioner.state_dict()[name])


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("captioner.json", None, "no finished captioner here"),
        ("captioner.json", b"{}", "not a captioner"),
        ("captioner.safetensors", b"", "cannot be loaded"),
        ("examples.safetensors", b"", "cannot be loaded"),
        ("tokenizer.json", b"{}", "not a tokenizer"),
        ("tokenizer.json", make_tokenizer(["rain"] * 3, 30).to_str(), "not the vocabulary"),
    ],
)
def test_a_damaged_checkpoint_is_refused(
    tmp_path: Path, file: str, content: bytes | str | None, message: str
) -> None:
    saved(tmp_path)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError, match=message):
        load_captioner(tmp_path)
