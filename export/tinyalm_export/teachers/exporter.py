"""A teacher to a folder of graphs: made and proven in a scratch folder, and only then there."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import onnx

import tinyalm
from tinyalm.bundle import GraphInfo, Provenance
from tinyalm.engine import Graph, engine
from tinyalm.errors import ExportError
from tinyalm.licences import UNSTATED, check_licences, terms
from tinyalm_export.graphs import file_content, graph_info
from tinyalm_export.parity import LARGEST_ERROR, LOWEST_COSINE
from tinyalm_export.teachers.graphs import (
    audio_graph,
    features_graph,
    stamped,
    text_graph,
)
from tinyalm_export.teachers.manifest import (
    AUDIO,
    CLAP,
    CONFIG,
    FEATURES,
    MANIFEST,
    TEXT,
    TOKENIZER,
    Parity,
    TeacherManifest,
    file_info,
)
from tinyalm_export.teachers.proof import check_interface, prove_audio, prove_text
from tinyalm_export.teachers.source import (
    TeacherSource,
    read_teacher,
    stated_licence,
    teacher_folder,
)

_LIBRARIES = ("torch", "transformers", "onnx", "onnxscript", "onnxruntime")
_THREADS = 2

Report = Callable[[str], None]


def export_teacher(
    name: str, out: Path, *, accept: Sequence[str] = (), report: Report = lambda _: None
) -> TeacherManifest:
    """Export both towers of a CLAP checkpoint.

    Args:
        name: ``clap:FOLDER``, a folder as transformers saves `ClapModel` and its processor.
        out: the folder to make; an exported teacher that is there is replaced, anything else
            refused.
        accept: licences that forbid something and are accepted, see `tinyalm.licences`.
        report: called with each step before it begins.

    Returns:
        The manifest as written.

    Raises:
        ConfigError: no such folder, or a checkpoint that is none or of another architecture.
        DataError: it is damaged.
        ExportError: it cannot be exported, a graph does not answer as transformers does, a licence
            was not accepted, or something else is at ``out``.
        OSError: the disk is full, or ``out`` cannot be written.
    """
    if out.exists() and not (out / MANIFEST).is_file():
        raise ExportError(f"{out}: exists and is no exported teacher; choose another name")
    folder = teacher_folder(name)
    title, licence = f"{CLAP}{folder.resolve().name}", stated_licence(folder)
    maker = f"tinyalm {tinyalm.__version__}"
    check_licences(Provenance(teacher=title, teacher_licence=licence, created_by=maker), accept)
    if any(entry.name == UNSTATED for entry in terms(licence)):
        report(f"no licence is stated of {title}; {MANIFEST} says so")
    report(f"reading {folder}")
    source = read_teacher(folder)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        manifest = _fill(work, source, title, licence, report)
        work.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return manifest


def _fill(
    work: Path, source: TeacherSource, title: str, licence: str, report: Report
) -> TeacherManifest:
    # The small files first: a place that takes nothing is found before the minutes of work.
    (work / TOKENIZER).write_bytes(source.tokenizer)
    shutil.copyfile(source.folder / CONFIG, work / CONFIG)
    versions = {"tinyalm": tinyalm.__version__} | {name: version(name) for name in _LIBRARIES}
    notes = {f"tinyalm.versions.{name}": number for name, number in versions.items()}
    notes |= {"tinyalm.teacher": title, "tinyalm.licence": licence}
    graphs: list[GraphInfo] = []

    def put(model: onnx.ModelProto, file: str) -> Graph:
        path = work / file
        path.write_bytes(file_content(stamped(model, source, notes, hears=file != TEXT)))
        info = graph_info(file, "fp32", model, source.parameters(reads=file == TEXT))
        check_interface(info, source)
        graphs.append(info)
        return engine("onnxruntime").open(path, threads=_THREADS)

    report("making the audio graphs")
    tower = features_graph(source)
    features, audio = put(tower, FEATURES), put(audio_graph(tower, source), AUDIO)
    report("proving the audio graphs")
    parity: list[Parity] = prove_audio(source, audio, features)
    del tower, features, audio
    report("making and proving the text graph")
    parity += prove_text(source, put(text_graph(source), TEXT))
    manifest = TeacherManifest(
        name=title,
        licence=licence,
        embedding_dim=source.dim,
        frontend=source.spec,
        window_samples=source.samples,
        padding=source.padding,
        max_tokens=source.max_tokens,
        pad_token_id=source.pad_token_id,
        graphs=graphs,
        largest_error=LARGEST_ERROR,
        lowest_cosine=LOWEST_COSINE,
        parity=parity,
        versions=versions,
        files={file.name: file_info(file) for file in sorted(work.iterdir())},
    )
    encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (work / MANIFEST).write_bytes(encoded + b"\n")
    return manifest
