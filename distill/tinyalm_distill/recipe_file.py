"""Reading a recipe from its YAML file, with changes from the command line."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import Struct

from tinyalm.errors import ConfigError, TinyalmError
from tinyalm_distill.manifest import ASSET
from tinyalm_distill.recipe import WINDOWS, Recipe

Kind = TypeVar("Kind", bound=Struct)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read the recipe of a student, see `read_as`."""
    return read_as(Recipe, path, overrides)


def read_as(kind: type[Kind], path: Path, overrides: Sequence[str] = ()) -> Kind:
    """Read a recipe of some kind.

    Args:
        kind: what it must be.
        path: the YAML file.
        overrides: ``key=value`` texts, the key dotted (``train.steps``), the value in YAML.

    Returns:
        The recipe, its paths made absolute.

    Raises:
        ConfigError: no such file, not YAML, an unknown key (the message names the nearest known
            one), or a value of the wrong type or out of range.
    """
    content = _content(path)
    try:
        for override in overrides:
            _override(content, override)
        _make_absolute(content, Path.cwd())  # those on the command line to where it is typed
        _check_keys(content, kind, dict(_all_keys(kind, "")))
        if isinstance(content.get("windows"), dict):  # a bundle states all of it, a recipe may not
            content["windows"] = msgspec.to_builtins(WINDOWS) | content["windows"]
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from None
    except TinyalmError as error:
        raise ConfigError(f"{path}: {error}") from None


def _content(path: Path, extending: tuple[Path, ...] = ()) -> dict[str, Any]:
    """What the file at ``path`` says, over what the recipe that it ``extends`` does."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: not YAML ({reason})") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: not a recipe; it must be 'key: value' lines")
    _make_absolute(content, path.parent)  # paths in the file are relative to it
    base = content.pop("extends", None)
    if base is None:
        return content
    if not isinstance(base, str):
        raise ConfigError(f"{path}: extends is {base!r}; it must be the path of a recipe")
    other = (path.parent / base).resolve()
    if other in extending or other == path.resolve():
        raise ConfigError(f"{path}: extends {base}, which extends it in turn")
    return _merged(_content(other, (*extending, path.resolve())), content)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``over``; keys within keys are merged, save of another family."""
    merged = dict(base)
    for key, value in over.items():
        below = base.get(key)
        both = (below, value) if isinstance(below, dict) and isinstance(value, dict) else None
        same = both and value.get("family", both[0].get("family")) == both[0].get("family")
        merged[key] = _merged(*both) if both and same else value
    return merged


def _override(content: dict[str, Any], override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator or not key:
        raise ConfigError(f"--set {override!r}: it must read key=value, as in train.steps=500")
    *parents, last = key.split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
        if not isinstance(content, dict):
            raise ConfigError(f"--set {key}: {parent} holds a value, not keys")
    try:
        content[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {key}: {value!r} is not a YAML value") from None


def _check_keys(
    content: dict[str, Any], kind: type[Struct], known: dict[str, type], prefix: str = ""
) -> None:
    """Refuse unknown keys and name the nearest ``known`` one."""
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in content.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), list(fields), 1, 0.5) or [
                path for path in known if path.rsplit(".")[-1] == key
            ]
            guess = (
                f"; did you mean {prefix if near[0] in fields else ''}{near[0]}?" if near else ""
            )
            raise ConfigError(f"unknown key {prefix}{key}{guess}")
        inner = fields[key]
        if isinstance(inner, type) and issubclass(inner, Struct) and isinstance(value, dict):
            _check_keys(value, inner, known, f"{prefix}{key}.")


def _all_keys(kind: type[Struct], prefix: str) -> Iterator[tuple[str, type]]:
    for field in msgspec.structs.fields(kind):
        yield prefix + field.name, field.type
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            yield from _all_keys(field.type, f"{prefix}{field.name}.")


def _make_absolute(content: dict[str, Any], root: Path) -> None:
    data = content.get("data")
    for key in ("manifests", "texts", "leave_out", "pairs"):
        if isinstance(data, dict) and isinstance(data.get(key), list):
            data[key] = [_absolute(str(name), root) for name in data[key]]
    audio = content.get("audio")
    body = audio.get("body") if isinstance(audio, dict) else None
    if isinstance(body, dict) and body.get("source"):
        body["source"] = _absolute(str(body["source"]), root)


def _absolute(name: str, root: Path) -> str:
    return name if name.startswith(ASSET) else str((root / name).resolve())
