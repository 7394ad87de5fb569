"""An ONNX file to a TensorRT engine, by the API that both flavours share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tinyalm
from tinyalm.cache import cache_dir
from tinyalm.engine_file import (
    ANY_AMPERE,
    SIDECAR,
    EngineFile,
    Profile,
    read_engine,
    read_sidecar,
    write_engine,
)
from tinyalm.errors import BundleError, ConfigError, ExportError
from tinyalm.tensorrt import NAMES, import_tensorrt, installed
from tinyalm_export.tensorrt.gpus import capabilities, resolve_gpus
from tinyalm_export.tensorrt.messages import builder_reason, parser_reason
from tinyalm_export.tensorrt.onnx_source import OnnxSource, read_onnx


def build_engine(
    onnx_path: Path,
    out: Path,
    *,
    gpus: Sequence[str],
    profiles: Sequence[Profile],
    version_compatible: bool = False,
) -> tuple[EngineFile, bool]:
    """Build an engine of the ONNX file ``onnx_path``, unless it is there already.

    The network is strongly typed: every layer computes in the type that the ONNX file gives it.
    Float32 is float32, never TF32, which would spoil the front end.

    Args:
        onnx_path: any ONNX file.
        out: the engine to write, ``….plan``; its sidecar, ``….json``, comes beside it. One that was
            built from the same graph in the same way stays as it is, any other is replaced.
        gpus: as for `tinyalm_export.tensorrt.gpus.resolve_gpus`.
        profiles: shapes of the dynamic inputs; one or more where there are any.
        version_compatible: let later versions of TensorRT run the engine; the full flavour only.

    Returns:
        What the sidecar says, and whether the engine was built now.

    Raises:
        ConfigError: GPUs or profiles that make no sense.
        ExportError: the graph is damaged, or TensorRT cannot build it; the message names the node
            and what to change.
        MissingExtraError: TensorRT is not installed, or has no GPU where it needs one.
    """
    flavour, names = resolve_gpus(gpus)
    if version_compatible and flavour == "tensorrt-rtx":
        raise ConfigError(f"{NAMES[flavour]} has no engines for later versions; build for each")
    source = read_onnx(onnx_path)
    wanted = EngineFile(
        graph=onnx_path.name,
        sources=source.sources,
        flavour=flavour,
        tensorrt=installed()[flavour],
        gpus=names,
        version_compatible=version_compatible,
        precision=source.precision,
        profiles=list(profiles),
        bytes=0,
        sha256="",
        created_by=f"tinyalm {tinyalm.__version__}",
    )
    if existing := _existing(out, wanted):
        return existing, False
    plan = _build(source, wanted)
    return write_engine(out, plan, wanted), True


def _existing(out: Path, wanted: EngineFile) -> EngineFile | None:
    """The sidecar of ``out`` if its engine is the one that is ``wanted``, and whole."""
    with suppress(BundleError):
        sidecar = out.with_suffix(SIDECAR)
        found = read_sidecar(sidecar)
        if found.same_build(wanted):
            read_engine(sidecar, found)
            return found
    return None


def _build(source: OnnxSource, wanted: EngineFile) -> bytes:
    trt = import_tensorrt(wanted.flavour)
    log = _log(trt)
    builder = trt.Builder(log)
    network = _parse(trt, builder, log, source)
    config = builder.create_builder_config()
    _configure(trt, config, wanted)
    for profile in wanted.profiles:
        config.add_optimization_profile(_profile(builder, network, profile))
    with _timing_cache(config, wanted):
        plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ExportError(
            f"{source.path}: {NAMES[wanted.flavour]} cannot build it for {', '.join(wanted.gpus)}: "
            + builder_reason(log.errors)
        )
    return bytes(plan)


def _parse(trt: Any, builder: Any, log: Any, source: OnnxSource) -> Any:  # noqa: ANN401
    # The RTX flavour is always strongly typed; the full one asks.
    strongly_typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(strongly_typed)
    parser = trt.OnnxParser(network, log)
    # Weights in other files are found from the path.
    if not parser.parse(source.content, str(source.path)):
        raise ExportError(f"{source.path}: TensorRT cannot read {parser_reason(parser)}")
    return network


def _configure(trt: Any, config: Any, wanted: EngineFile) -> None:  # noqa: ANN401
    config.clear_flag(trt.BuilderFlag.TF32)
    # The layers' names stay readable in the engine, so that what was fused can be seen.
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if wanted.flavour == "tensorrt-rtx":
        known = capabilities(trt)
        config.num_compute_capabilities = len(wanted.gpus)
        for index, name in enumerate(wanted.gpus):
            config.set_compute_capability(known[name], index)
    elif wanted.gpus == [ANY_AMPERE]:
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    if wanted.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)


def _profile(builder: Any, network: Any, profile: Profile) -> Any:  # noqa: ANN401
    made = builder.create_optimization_profile()
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    dynamic = {tensor.name: tuple(tensor.shape) for tensor in inputs if -1 in tensor.shape}
    if set(profile) != set(dynamic):
        raise ConfigError(
            f"a profile for {', '.join(profile) or 'no input'}; the graph's dynamic inputs are "
            f"{', '.join(dynamic) or 'none'}"
        )
    for name, sizes in profile.items():
        axes = zip(dynamic[name], sizes.min, sizes.opt, sizes.max, strict=False)
        rows = (dynamic[name], sizes.min, sizes.opt, sizes.max)
        fits = len({len(row) for row in rows}) == 1 and all(
            1 <= low <= best <= high and axis in (-1, low) and (axis == -1 or low == high)
            for axis, low, best, high in axes
        )
        if not fits:
            raise ConfigError(
                f"profile of {name}: {sizes.min}, {sizes.opt}, {sizes.max} must ascend and fit the "
                f"input's shape {list(dynamic[name])} (-1 is any size)"
            )
        made.set_shape(name, sizes.min, sizes.opt, sizes.max)
    return made


@contextmanager
def _timing_cache(config: Any, wanted: EngineFile) -> Iterator[None]:  # noqa: ANN401
    """Remember how fast each kernel was, so that the next build need not time it again.

    TensorRT for RTX times nothing.
    """
    if wanted.flavour == "tensorrt-rtx":
        yield
        return
    path = cache_dir() / "tensorrt" / f"{wanted.tensorrt}-{wanted.gpus[0]}.timing"
    known = path.read_bytes() if path.is_file() else b""
    if not config.set_timing_cache(config.create_timing_cache(known), ignore_mismatch=False):
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
    yield
    if cache := config.get_timing_cache():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(cache.serialize()))


def _log(trt: Any) -> Any:  # noqa: ANN401
    """A logger that keeps errors and prints nothing."""

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:  # noqa: ANN401
            if severity <= trt.ILogger.ERROR:
                self.errors.append(message)

    return Log()
