"""The TensorRT engines of an exported teacher: one for each graph, in the folder beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tinyalm.engine_file import FOLDER, PLAN, EngineFile, Profile, Sizes
from tinyalm_export.teachers.manifest import AUDIO, FEATURES, TEXT, TeacherManifest
from tinyalm_export.tensorrt.builder import build_engine
from tinyalm_export.tensorrt.gpus import resolve_gpus

_TEXTS, _MOST_TEXTS, _TOKENS = 16, 256, 16  # for which kernels are chosen, and at most


def build_teacher_engines(
    folder: Path,
    manifest: TeacherManifest,
    *,
    gpus: Sequence[str],
    max_batch: int = 8,
    version_compatible: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> list[tuple[Path, EngineFile]]:
    """Build the engines of the teacher in ``folder``, which stays as it is.

    Args:
        folder: as `tinyalm_export.teachers.exporter.export_teacher` makes it.
        manifest: its manifest.
        gpus: see `tinyalm_export.tensorrt.gpus.resolve_gpus`.
        max_batch: largest batch of recordings; kernels are chosen for one.
        version_compatible: see `tinyalm_export.tensorrt.builder.build_engine`.
        report: called with each step before it begins.

    Returns:
        The engines with what their sidecars say.

    Raises:
        ConfigError: GPUs that make no sense.
        ExportError: a graph that TensorRT cannot build.
        MissingExtraError: TensorRT is not installed, or has no GPU where it needs one.
    """
    flavour, names = resolve_gpus(gpus)
    beside = folder.absolute().with_name(folder.name + FOLDER)
    made = []
    for file, profile in teacher_profiles(manifest, max_batch).items():
        out = beside / f"{Path(file).stem}.{'-'.join(names)}{PLAN}"
        report(f"building {out.name} ({flavour})")
        info, _ = build_engine(
            folder / file,
            out,
            gpus=gpus,
            profiles=[profile],
            version_compatible=version_compatible,
        )
        made.append((out, info))
    return made


def teacher_profiles(manifest: TeacherManifest, max_batch: int) -> dict[str, Profile]:
    """The shapes that the graphs of a teacher are run with, by their files; sounds from 1 s on."""
    spec, window = manifest.frontend, manifest.window_samples
    mels = [spec.frames(window), spec.n_mels]
    tokens = manifest.max_tokens
    texts = Sizes([1, 1], [_TEXTS, min(_TOKENS, tokens)], [_MOST_TEXTS, tokens])
    return {
        AUDIO: {
            "waveform": Sizes([1, min(spec.sample_rate, window)], [1, window], [max_batch, window])
        },
        FEATURES: {"log_mel": Sizes([1, *mels], [1, *mels], [max_batch, *mels])},
        TEXT: {"input_ids": texts, "attention_mask": texts},
    }
