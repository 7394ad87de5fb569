"""int8 within an accuracy budget: candidates, nodes put back in float, targets."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner

from tests.audio_files import write
from tests.export.students import META, RATE, random_student, save_checkpoint, sounds
from tests.models.test_bodies import BODIES
from tests.process import one_line
from tinyalm.bundle import read_bundle
from tinyalm.cli.main import cli
from tinyalm.errors import DataError, ExportError
from tinyalm.frontend import log_mel
from tinyalm.models.shapes import AudioStudentConfig, SeparableConfig
from tinyalm_export.checkpoint_input import read_checkpoint
from tinyalm_export.graphs import encoder_graph
from tinyalm_export.int8 import encoder as int8_encoder
from tinyalm_export.int8 import search
from tinyalm_export.int8.candidates import CANDIDATES
from tinyalm_export.int8.clips import Clip, read_clips
from tinyalm_export.int8.held_out import HeldOut
from tinyalm_export.int8.nncf_quantizer import installed, quantize_by_nncf
from tinyalm_export.int8.static import find_ranges, quantize
from tinyalm_export.int8.table import SEARCH, Budget, Table
from tinyalm_export.targets import TARGETS

SEPARABLE = next(body for body in BODIES if isinstance(body, SeparableConfig))
SHAPE = AudioStudentConfig(embedding_dim=16, body=SEPARABLE, hidden=12)
STUDENT = msgspec.structs.replace(META, audio=SHAPE)


@pytest.fixture(scope="module")
def exact() -> onnx.ModelProto:
    return encoder_graph(random_student(STUDENT).audio.encoder, 64)


@pytest.fixture(scope="module")
def log_mels() -> list[np.ndarray]:
    return [log_mel(sound, META.frontend).astype(np.float32) for sound in sounds()]


@pytest.fixture(scope="module")
def separable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("separable") / "tiny", random_student(STUDENT))


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[..., Path]:
    """Write sounds and the CSV that names them."""

    def made(
        heard: Sequence[np.ndarray] = sounds(), labels: Sequence[str] = ("dog barking", "rain")
    ) -> Path:
        rows = [["file", "label"]]
        for number, sound in enumerate(heard):
            write(tmp_path / f"{number}.wav", sound, RATE)
            rows.append([f"{number}.wav", labels[number // 2 % len(labels)]])
        path = tmp_path / "clips.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        return path

    return made


def layers(model: onnx.ModelProto, *, rounded: bool) -> list[str]:
    made = {name: node.op_type for node in model.graph.node for name in node.output}
    kinds = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    return [n.name for n in kinds if (made.get(n.input[1]) == "DequantizeLinear") == rounded]


def activations(model: onnx.ModelProto) -> list[np.ndarray]:
    """The zero points of all values that are rounded as the graph runs."""
    values = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    return [values[n.input[2]] for n in model.graph.node if n.op_type == "QuantizeLinear"]


@pytest.mark.parametrize(
    ("target", "kind", "largest"),
    [("cpu-x86", "u1", 64), ("cpu-arm", "i1", 127), ("web", "u1", 127)],
)
def test_a_target_has_its_signs_and_bits(target, kind, largest, exact, log_mels, tmp_path):
    model = quantize(exact, find_ranges(exact, log_mels), TARGETS[target])
    assert {zero.dtype for zero in activations(model)} == {np.dtype(kind)}
    assert any(zero for zero in activations(model))
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if "weight_quantized" in tensor.name
    ]
    assert max(np.abs(tensor).max() for tensor in weights) <= largest
    # The first convolution and the depthwise one behind it make nothing wider.
    assert layers(model, rounded=False) == [
        "encoder/body.stem.conv/conv2d",
        "encoder/body.blocks.0.depthwise.conv/conv2d_1",
    ]
    judge = HeldOut([Clip(sounds())], META.frontend, exact, {}, tmp_path)
    assert judge.cost(model).mean > 0.99


def test_the_cost_of_an_encoder_is_measured_on_clips_with_labels(exact, tmp_path):
    clips = [Clip([sound], (f"sound {number}",)) for number, sound in enumerate(sounds()[:6])]
    unlabelled = Clip([sounds()[7]])
    probe = HeldOut(clips, META.frontend, exact, {}, tmp_path)
    assert probe.cost(exact).drop is None
    rows = probe._embeddings(exact, probe.log_mels)
    # A text for each sound that scores 1 with it and 0 with the others.
    texts = np.linalg.pinv(rows.astype(float)).T.astype(np.float32)
    names = {f"sound {number}": text for number, text in enumerate(texts)}
    judge = HeldOut([*clips, unlabelled], META.frontend, exact, names, tmp_path)
    assert judge.labelled == 6
    same = judge.cost(exact)
    assert (same.mean, same.lowest, same.drop) == (pytest.approx(1), pytest.approx(1), 0)
    mute = onnx.ModelProto()
    mute.CopyFrom(exact)
    (last,) = (t for t in mute.graph.initializer if t.name.endswith("project.weight"))
    last.CopyFrom(onnx.numpy_helper.from_array(np.zeros(last.dims, np.float32), last.name))
    assert judge.cost(mute).drop == pytest.approx(100 * 5 / 6)  # one answer to everything


def test_the_search_takes_the_fastest_within_the_budget_and_leaves_its_table(
    separable, manifest, tmp_path, monkeypatch
):
    monkeypatch.setattr(search, "CANDIDATES", (*CANDIDATES[:2], CANDIDATES[-1]))
    monkeypatch.setattr(search, "installed", lambda: False)
    out = tmp_path / "x.tinyalm"
    options = ["--precision", "int8", "--max-drop", "60", "--calibrate", str(manifest())]
    done = CliRunner().invoke(cli, ["export", str(separable), "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    table = msgspec.json.decode((out / SEARCH).read_bytes(), type=Table)
    assert SEARCH in read_bundle(out).files
    assert [trial.candidate for trial in table.trials] == ["min-max", "percentile 99.99"]
    (chosen,) = (trial for trial in table.trials if trial.chosen)
    timed = [trial.speedup for trial in table.trials if trial.within]
    assert chosen.within
    assert chosen.speedup == max(timed)
    assert table.labelled_clips == 6
    assert table.windows == 6
    metrics = read_bundle(out).provenance.metrics
    assert metrics["int8_mean_cosine"] == pytest.approx(chosen.cosine_mean, abs=1e-3)
    assert "6 held-out windows, 6 clips with labels:" in done.stdout
    assert "nncf: not installed, so not tried" in done.stdout
    assert sum(line.endswith("chosen") for line in done.stdout.splitlines()) == 1


def test_a_budget_that_cannot_be_met_shows_the_best(separable, exact, monkeypatch):
    monkeypatch.setattr(search, "CANDIDATES", CANDIDATES[:1])
    monkeypatch.setattr(int8_encoder, "Budget", lambda drop: Budget(drop, mean=1.5))
    steps: list[str] = []
    request = int8_encoder.Int8Request(max_drop=1, report=steps.append)
    with pytest.raises(ExportError, match="no int8 encoder is within the budget") as error:
        int8_encoder.int8_encoder(read_checkpoint(separable), exact, request)
    message = str(error.value)
    assert "the best, min-max" in message
    assert "nothing was written" in message
    assert "\n" not in message
    assert any("cosine to fp32 alone is the budget" in step for step in steps)
    # Every rounded layer was tried alone, then half of them went back one by one.
    alone, moved = (sum(word in step for step in steps) for word in ("sensitivity", "in float"))
    assert moved == alone // 2 > 0


def test_the_most_sensitive_nodes_go_back_to_float(exact, log_mels, tmp_path, monkeypatch):
    """One map's channels differ so much in loudness that one scale cannot serve them."""
    as_they_are = next(one for one in CANDIDATES if not one.equalized)
    monkeypatch.setattr(search, "CANDIDATES", (as_they_are,))
    encoder = random_student(STUDENT).audio.encoder
    block = encoder.body.separables()[1]
    with torch.no_grad():
        made_by = block.depthwise.conv
        factors = 10 ** torch.linspace(-2, 2, len(made_by.weight))
        made_by.weight *= factors[:, None, None, None]
        made_by.bias *= factors
        block.reduce.weight /= factors[:, None, None]
    uneven = encoder_graph(encoder, 64)
    ranges, target = find_ranges(uneven, log_mels), TARGETS["cpu-x86"]
    judge = HeldOut([Clip(sounds())], META.frontend, exact, {}, tmp_path)
    rounded = quantize(uneven, ranges, target)
    names = layers(rounded, rounded=True)
    culprits = {n for n in names if "blocks.1.depthwise" in n or "blocks.1.reduce" in n}
    without = judge.cost(quantize(uneven, ranges, target, floats=sorted(culprits))).mean
    between = (judge.cost(rounded).mean + without) / 2
    budget = Budget(0, between, -1)
    model, table = search.Search(encoder, META.frontend, "cpu-x86", budget).run(
        log_mels, judge, exact
    )
    first, *moved = table.trials
    assert not first.within
    assert moved[-1].chosen
    assert culprits <= set(moved[-1].floats)
    assert set(moved[-1].floats) <= set(layers(model, rounded=False))
    assert table.sensitivity[0].node in culprits
    cosines = [one.cosine_mean for one in table.sensitivity]
    assert cosines == sorted(cosines)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read as a CSV manifest"),
        ("file,label\n", "holds no rows"),
        ("name,label\na.wav,x\n", "the columns are file"),
        ("file,start_s\na.wav,soon\n", "row 1: start_s and end_s are seconds"),
    ],
)
def test_a_manifest_that_is_none_is_one_line(content, said, tmp_path):
    path = tmp_path / "clips.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=said) as error:
        read_clips(path, META.windows, RATE)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("level", [0.0, 2e-4])
def test_a_manifest_of_silence_is_one_line(level, manifest):
    noise = level * np.random.default_rng(0).uniform(-1, 1, 15360)
    path = manifest([noise.astype(np.float32)] * 2)
    with pytest.raises(ExportError, match="none of its 2 recordings can be used") as error:
        read_clips(path, META.windows, RATE)
    assert "\n" not in str(error.value)


def test_recordings_that_cannot_be_used_are_left_out(manifest):
    path = manifest([sounds()[3], np.zeros(15360, np.float32), sounds()[4]], ["rain | wind"])
    clips = read_clips(path, META.windows, RATE)
    assert [clip.labels for clip in clips] == [("rain", "wind")] * 2
    np.testing.assert_allclose(clips[0].windows[0], sounds()[3], atol=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target", "web"], "go with --precision int8"),
        (["--max-drop", "1"], "go with --precision int8"),
        (
            ["--precision", "int8", "--to", "tensorrt", "--gpu", "sm89", "--target", "web"],
            "--to tensorrt is a target itself",
        ),
    ],
)
def test_options_that_contradict_are_one_line(options, said, checkpoint, tmp_path):
    args = ["export", str(checkpoint), "--out", str(tmp_path / "x.tinyalm"), *options]
    done = CliRunner().invoke(cli, args)
    assert done.exit_code == 2
    assert said in one_line(done.stderr)


@pytest.mark.skipif(not installed(), reason="nncf is not installed")
@pytest.mark.parametrize("target", ["cpu-x86", "cpu-arm"])
def test_what_nncf_makes_is_what_the_engine_fuses(target, exact, log_mels, tmp_path):
    model = quantize_by_nncf(exact, log_mels, TARGETS[target])
    assert len({zero.dtype for zero in activations(model)}) == 1
    values = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    made = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type == "Conv" and made.get(node.input[1]) and len(node.input) > 2:
            assert values[made[node.input[2]].input[0]].dtype == np.int32
    judge = HeldOut([Clip(sounds())], META.frontend, exact, {}, tmp_path)
    assert judge.cost(model).mean > 0.95
