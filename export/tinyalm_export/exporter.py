"""A checkpoint to a bundle: made and proven in a scratch folder, and only then written."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tinyalm.bundle import BundleManifest, Provenance, TextInfo, check_target, write_bundle
from tinyalm.errors import ConfigError
from tinyalm.label_pack import LabelPack, read_label_pack, write_label_pack
from tinyalm.licences import check_licences, unstated
from tinyalm.models.checkpoint import StudentMeta
from tinyalm_export.caption_part import CaptionPart, make_caption
from tinyalm_export.checkpoint_input import CheckpointInput, read_checkpoint
from tinyalm_export.int8.encoder import Int8Request
from tinyalm_export.model_card import model_card
from tinyalm_export.parts import PROGRAM, AudioPart, Precision, make_audio, make_text

CARD, PACK = "README.md", "default.labels"


def export_bundle(
    checkpoint: Path,
    out: Path,
    *,
    precision: Precision = "fp32",
    name: str | None = None,
    label_pack: Path | None = None,
    text: bool = True,
    captioner: Path | None = None,
    accept: Sequence[str] = (),
    target: str = "cpu-x86",
    max_drop: float | None = None,
    calibrate: Path | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> BundleManifest:
    """Export the checkpoint in the folder ``checkpoint`` as the bundle ``out``.

    Args:
        checkpoint: as distillation leaves it.
        out: the bundle folder to make; a bundle that is there is replaced, anything else refused.
        precision: ``fp32``, ``fp16`` for the encoder, or ``int8`` for the encoder and the weights
            of the text side.
        name: of the bundle; the student's own without it.
        label_pack: a label pack for the bundle to carry; its labels become the bundle's own.
        text: whether the bundle has a text side.
        captioner: checkpoint of a captioner for the bundle to carry.
        accept: licences that forbid something and are accepted, see `tinyalm.licences`.
        target: one of `tinyalm_export.targets.TARGETS`; the text side of ``tensorrt`` is float.
        max_drop: points of zero-shot top-1 that int8 may cost; it is then searched for.
        calibrate: a manifest of recordings that int8 is calibrated and measured on, instead of the
            checkpoint's windows.
        report: called with each step before it begins.

    Returns:
        The manifest as written.

    Raises:
        DataError: the checkpoint or the manifest cannot be read.
        ConfigError: a label pack that is none, a pack or captioner of another space, or neither
            pack nor text.
        ExportError: it cannot be exported as asked, int8 costs more than it may, or a licence was
            not accepted.
        BundleError: something that is no bundle is at ``out``.
    """
    check_target(out)
    source = read_checkpoint(checkpoint)
    pack = _fitting(label_pack, source.student.meta) if label_pack else None
    if pack is None and not text:
        raise ConfigError("without a text side a bundle needs a label pack; name one")
    with tempfile.TemporaryDirectory(prefix="tinyalm-export-") as scratch:
        folder = Path(scratch)
        said = None
        if captioner:
            report("making and proving the captioner")
            said = make_caption(captioner, source.student.meta, precision, folder)
        provenance = _provenance(source.student.meta.provenance, said)
        check_licences(provenance, accept)
        if note := unstated(provenance):
            report(note)
        side = None
        if text:
            of_text: Precision = precision if target != "tensorrt" else "fp32"
            report(f"making and proving the {of_text} text graph")
            side = make_text(source, of_text, folder)
        report(f"making and proving the {precision} audio graphs")
        int8 = Int8Request(target, max_drop, calibrate, report)
        audio = make_audio(source, precision, folder, int8)
        if pack:
            write_label_pack(folder / PACK, pack)
        manifest = _manifest(source, name, audio, side, pack, said, provenance)
        sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
        (folder / CARD).write_text(model_card(manifest, sizes), encoding="utf-8")
        return write_bundle(out, manifest, lambda target: _copy(folder, target))


def _provenance(student: Provenance, caption: CaptionPart | None) -> Provenance:
    if not caption:
        return student
    further = [source for source in caption.data if source not in student.data]
    metrics = student.metrics | caption.metrics
    return msgspec.structs.replace(student, data=[*student.data, *further], metrics=metrics)


def _fitting(path: Path, meta: StudentMeta) -> LabelPack:
    pack = read_label_pack(path)
    pack.check_space(meta.provenance.teacher, meta.audio.embedding_dim)
    return pack


def _copy(source: Path, target: Path) -> None:
    for file in source.iterdir():
        shutil.copyfile(file, target / file.name)


def _manifest(
    source: CheckpointInput,
    name: str | None,
    audio: AudioPart,
    text: TextInfo | None,
    pack: LabelPack | None,
    caption: CaptionPart | None,
    provenance: Provenance,
) -> BundleManifest:
    meta = source.student.meta
    return BundleManifest(
        name=name or meta.name,
        embedding_dim=meta.audio.embedding_dim,
        frontend=meta.frontend,
        windows=meta.windows,
        audio=audio.info,
        features=audio.features,
        program=PROGRAM,
        text=text,
        caption=caption.info if caption else None,
        labels=pack.labels if pack else meta.labels,
        label_pack=PACK if pack else None,
        template=pack.template if pack else meta.template,
        calibration=meta.calibration,
        parity=audio.parity,
        provenance=msgspec.structs.replace(provenance, metrics=provenance.metrics | audio.metrics),
    )
