"""What tinyalm's installed metadata says about its extras, its optional parts."""

import re

_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def extras() -> dict[str, list[str]]:
    """The packages that each extra asks for, by extra; empty where tinyalm is not installed."""
    from importlib.metadata import PackageNotFoundError, metadata, requires  # 40 ms

    try:
        found: dict[str, list[str]] = {
            name: [] for name in metadata("tinyalm").get_all("Provides-Extra") or []
        }
    except PackageNotFoundError:
        return {}
    for requirement in requires("tinyalm") or []:
        extra, name = _EXTRA.search(requirement), _NAME.match(requirement)
        if extra and name and name.group() != "tinyalm":
            found[extra.group(1)].append(name.group())
    return found


def missing(packages: list[str]) -> list[str]:
    """Those of ``packages`` that are not installed."""
    return [package for package in packages if not _installed(package)]


def pip_command(extra: str) -> str:
    """What to type to get ``extra``."""
    return f'pip install "tinyalm[{extra}]"'


def _installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
