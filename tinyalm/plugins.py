"""Engines, kernels, commands and measures that are imported by name: tinyalm's own and others'.

Other packages offer theirs as entry points of the same groups.
"""

from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter

# Not entry points themselves: to read those of all packages takes longer than to tag a clip.
_OWN = {
    "tinyalm.accuracy": {
        "zero-shot": "tinyalm_distill.evaluation.classification:bundle_accuracy",
    },
    "tinyalm.commands": {
        "distill": "tinyalm_distill.cli:distill",
        "eval": "tinyalm_distill.cli:evaluate",
        "export": "tinyalm_export.cli:export",
        "serve": "tinyalm_export.web.command:serve",
    },
    "tinyalm.engines": {
        "onnxruntime": "tinyalm_runtimes.onnxruntime_engine:OnnxRuntimeEngine",
        "tensorrt": "tinyalm_runtimes.tensorrt_engine:TensorRtEngine",
    },
    "tinyalm.kernels": {"native": "tinyalm_runtimes.native_log_mel:NativeLogMel"},
}


@dataclass(frozen=True, slots=True)
class Plugin:
    """Something that is imported when it is asked for.

    Attributes:
        module: where it is.
        attribute: its name there.
    """

    module: str
    attribute: str

    def load(self) -> object:
        """Import it.

        Raises:
            ImportError: its module, or what that stands on, cannot be imported.
        """
        found: object = attrgetter(self.attribute)(import_module(self.module))
        return found


def plugin(group: str, name: str) -> Plugin | None:
    """``name`` of ``group``, tinyalm's own before other packages'; None where there is none."""
    own = _OWN.get(group, {}).get(name)
    if own:
        return Plugin(*own.split(":"))
    from importlib.metadata import entry_points  # 40 ms, which tagging a clip does without

    found = entry_points(group=group, name=name)
    return next((Plugin(point.module, point.attr) for point in found), None)


def plugins(group: str) -> list[str]:
    """All names of ``group``, sorted."""
    from importlib.metadata import entry_points

    return sorted({*_OWN.get(group, {}), *entry_points(group=group).names})
