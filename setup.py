"""The part of the build that pyproject.toml cannot say: the native log-mel kernel.

It is a plain shared library that Python opens by ctypes, so one wheel serves every Python version.
Where no compiler is, the wheel is built without it, and the front end runs in the graph.
"""

import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).parent / "runtimes" / "native"))
from build import build_library

KERNEL = "tinyalm_runtimes._logmel"


class BuildKernel(build_ext):
    """Builds `KERNEL` with flags for each source, or says why not."""

    def build_extension(self, ext: Extension) -> None:  # noqa: D102
        try:
            build_library(Path(self.get_ext_fullpath(ext.name)))
        except (OSError, subprocess.CalledProcessError) as error:
            self.warn(
                f"the native log-mel kernel was not built ({error}); the graph serves instead"
            )

    def get_ext_filename(self, fullname: str) -> str:  # noqa: D102
        return str(Path(*fullname.split("."))) + ".so"

    def get_outputs(self) -> list[str]:  # noqa: D102
        return [path for path in super().get_outputs() if Path(path).exists()]


class WheelForEveryPython(bdist_wheel):
    """Tags the wheel for its platform and for no Python version."""

    def get_tag(self) -> tuple[str, str, str]:  # noqa: D102
        return "py3", "none", super().get_tag()[2]


setup(
    ext_modules=[Extension(KERNEL, sources=[], optional=True)],
    cmdclass={"build_ext": BuildKernel, "bdist_wheel": WheelForEveryPython},
)
