"""The engines of a bundle: one for each graph, in the folder beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tinyalm.bundle import BundleManifest, read_bundle
from tinyalm.engine_file import PLAN, EngineFile, Profile, Sizes, engines_folder
from tinyalm.errors import ConfigError
from tinyalm_export.tensorrt.builder import build_engine
from tinyalm_export.tensorrt.gpus import resolve_gpus

# Labels of a few words are what kernels are chosen for; no runtime of tinyalm takes more at once.
_TEXTS, _MOST_TEXTS, _TOKENS = 16, 256, 8


def build_engines(
    bundle: Path,
    *,
    gpus: Sequence[str],
    max_batch: int = 8,
    max_seconds: float = 10.0,
    version_compatible: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> list[tuple[Path, EngineFile]]:
    """Build the engines of ``bundle``, which stays as it is.

    Args:
        bundle: a bundle folder, exported for TensorRT where it is in int8.
        gpus: see `tinyalm_export.tensorrt.gpus.resolve_gpus`.
        max_batch: largest batch of recordings; kernels are chosen for one.
        max_seconds: longest recording, if above the bundle's window; kernels are chosen for that.
        version_compatible: see `tinyalm_export.tensorrt.builder.build_engine`.
        report: called with each step before it begins.

    Returns:
        The engines with what their sidecars say. Those that were there already are not built again.

    Raises:
        BundleError: no sound bundle.
        ConfigError: sizes or GPUs that make no sense.
        ExportError: a graph that TensorRT cannot build.
        MissingExtraError: TensorRT is not installed, or has no GPU where it needs one.
    """
    manifest = read_bundle(bundle)
    flavour, names = resolve_gpus(gpus)
    made = []
    for file, profile in bundle_profiles(manifest, max_batch, max_seconds).items():
        out = engines_folder(bundle) / f"{Path(file).stem}.{'-'.join(names)}{PLAN}"
        report(f"building {out.name} ({flavour})")
        info, _ = build_engine(
            bundle / file,
            out,
            gpus=gpus,
            profiles=[profile],
            version_compatible=version_compatible,
        )
        made.append((out, info))
    return made


def bundle_profiles(
    manifest: BundleManifest, max_batch: int, max_seconds: float
) -> dict[str, Profile]:
    """The shapes that the graphs of a bundle are run with, by their files.

    Args:
        manifest: of the bundle.
        max_batch: as for `build_engines`.
        max_seconds: likewise.

    Raises:
        ConfigError: one of them is too small.
    """
    spec, rule = manifest.frontend, manifest.windows
    if max_batch < 1:
        raise ConfigError(f"--max-batch {max_batch}: at least 1")
    if max_seconds < rule.length_s:
        raise ConfigError(
            f"--max-seconds {max_seconds:g}: the bundle's windows are {rule.length_s:g} s long"
        )
    seconds = (rule.min_s, rule.length_s, max_seconds)
    batches = (1, 1, max_batch)
    samples = [round(length * spec.sample_rate) for length in seconds]
    waveform = [[batch, size] for batch, size in zip(batches, samples, strict=True)]
    profiles: dict[str, Profile] = {
        manifest.audio.file: {manifest.audio.inputs[0].name: Sizes(*waveform)}
    }
    if manifest.features:
        log_mel = [[batch, spec.frames(size), spec.n_mels] for batch, size in waveform]
        profiles[manifest.features.file] = {manifest.features.inputs[0].name: Sizes(*log_mel)}
    if manifest.text:
        tokens = manifest.text.max_tokens
        sizes = Sizes([1, 1], [_TEXTS, min(_TOKENS, tokens)], [_MOST_TEXTS, tokens])
        graph = manifest.text.graph
        profiles[graph.file] = {tensor.name: sizes for tensor in graph.inputs}
    return profiles
