"""The policy that a command keeps to: its options, for every command that loads a model."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tinyalm.policy import Policy

_FILE, _KEY = f"{__name__}.file", f"{__name__}.key"


def _kept(name: str) -> Callable[[click.Context, click.Parameter, Path | None], None]:
    # In the context, so that no command but this module has to know of policies.
    def keep(ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
        ctx.meta[name] = value

    return keep


_OPTIONS = (
    click.option(
        "--policy",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=_kept(_FILE),
        help="A policy file that says what may be asked, beside that of TINYALM_POLICY.",
    ),
    click.option(
        "--policy-key",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=_kept(_KEY),
        help="The public key (PEM) that it must be signed by, or TINYALM_POLICY_KEY.",
    ),
)


def policy_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command`` --policy and --policy-key, for `given_policy`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given_policy() -> "Policy | None":
    """The policy that the running command was given; None for none.

    Raises:
        ConfigError: the file is no policy, or its signature is missing or bad.
    """
    meta = click.get_current_context().meta
    file, key = meta.get(_FILE), meta.get(_KEY)
    if file is None and key is None:
        return None
    if file is None:
        raise click.UsageError("--policy-key is for --policy, which is missing")
    from tinyalm.policy.reading import read_policy

    return read_policy(file, key)
