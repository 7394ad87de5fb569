"""Which of the engines beside a bundle a machine runs: by their sidecars, and nothing else."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinyalm.engine_file import (
    ANY_AMPERE,
    PLAN,
    REBUILD,
    SIDECAR,
    EngineFile,
    Flavour,
    Profile,
    engines_folder,
    file_hash,
    read_sidecar,
)
from tinyalm.errors import BundleError, ConfigError
from tinyalm.tensorrt import NAMES


def find_engine(
    path: Path, machine: str, versions: Mapping[Flavour, str]
) -> tuple[Path, EngineFile]:
    """The sidecar of the engine of ``path`` that runs on the GPU ``machine``.

    Only files are read: nothing of TensorRT is loaded.

    Args:
        path: a graph of a bundle, or an engine itself, ``….plan``.
        machine: its name, ``sm89`` and the like.
        versions: of the flavours of TensorRT that it has.

    Raises:
        BundleError: there is none; the message says what there is and why it does not serve.
    """
    if path.suffix == PLAN:
        candidates = [path.with_suffix(SIDECAR)]
    else:
        folder = engines_folder(path.parent)
        candidates = sorted(folder.glob(f"{path.stem}.*{SIDECAR}"))
        if not candidates:
            raise BundleError(f"{folder}: holds no engine of {path.name}; {REBUILD}")
    reasons = []
    for sidecar in candidates:
        info = read_sidecar(sidecar)
        reason = _unfit(info, machine, versions) or (path.suffix != PLAN and _foreign(path, info))
        if not reason:
            return sidecar, info
        reasons.append(f"{sidecar.with_suffix(PLAN)}: {reason}")
    raise BundleError(f"{'; '.join(reasons)}; {REBUILD}")


def fitting_profile(
    path: Path, profiles: Sequence[Profile], shapes: Mapping[str, list[int]]
) -> int:
    """The first of ``profiles`` that takes inputs of ``shapes``.

    Raises:
        ConfigError: none does.
    """
    for index, profile in enumerate(profiles):
        if all(
            all(
                low <= size <= high for low, size, high in zip(p.min, shapes[n], p.max, strict=True)
            )
            for n, p in profile.items()
        ):
            return index
    if not profiles:
        return 0
    largest = {name: sizes.max for name, sizes in profiles[-1].items()}
    raise ConfigError(
        f"{path}: takes {largest} at most, not {dict(shapes)}; build it with a larger "
        "--max-batch or --max-seconds"
    )


def _unfit(info: EngineFile, machine: str, versions: Mapping[Flavour, str]) -> str:
    """Why this machine does not run the engine; empty where it does."""
    name = NAMES[info.flavour]
    here = versions.get(info.flavour)
    if here is None:
        return f"built with {name} {info.tensorrt}, which is not installed"
    later = info.version_compatible and _number(here) >= _number(info.tensorrt)
    if here != info.tensorrt and not later:
        return f"built with {name} {info.tensorrt}, and {here} is installed"
    ampere = info.gpus == [ANY_AMPERE] and int(machine[2:]) >= 80
    if machine not in info.gpus and not ampere:
        return f"built for {', '.join(info.gpus)}, and this machine has {machine}"
    return ""


def _foreign(path: Path, info: EngineFile) -> str:
    """Why the engine is not that of the graph at ``path``; empty where it is."""
    for name, expected in info.sources.items():
        source = path.parent / name
        if not source.is_file() or file_hash(source) != expected:
            return f"built from another {name} than {source}"
    return ""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
