"""Which adapters a model answers with: tuples that are replaced, never changed."""

from tinyalm.adapters.learned import LearnedLabels
from tinyalm.adapters.residual import ResidualMap
from tinyalm.adapters.store import Adapter
from tinyalm.errors import ConfigError

Attached = tuple[Adapter, ...]


def with_adapter(attached: Attached, adapter: Adapter) -> Attached:
    """``attached`` and ``adapter``, in the place of what it replaces.

    A set of learned labels replaces the set of its name, a residual map any other.

    Raises:
        ConfigError: a set that stays has one of its labels.
    """
    kept = tuple(one for one in attached if not _replaces(adapter, one))
    if isinstance(adapter, LearnedLabels):
        for one in learned_of(kept):
            both = [label for label in adapter.labels if label in one.labels]
            if both:
                raise ConfigError(
                    f"label {both[0]!r} of {adapter.name!r} is in {one.name!r}, which is attached; "
                    "detach that first or give the label another name"
                )
    return (*kept, adapter)


def without(attached: Attached, name: str | None) -> Attached:
    """``attached`` but the adapters called ``name``; nothing where ``name`` is None.

    Raises:
        ConfigError: there is no adapter of this name.
    """
    kept = () if name is None else tuple(one for one in attached if one.name != name)
    if name is not None and len(kept) == len(attached):
        names = ", ".join(repr(one.name) for one in attached) or "none"
        raise ConfigError(f"no adapter {name!r} is attached; attached are: {names}")
    return kept


def learned_of(attached: Attached) -> list[LearnedLabels]:
    """The sets of learned labels."""
    return [one for one in attached if isinstance(one, LearnedLabels)]


def residual_of(attached: Attached) -> ResidualMap | None:
    """The residual map, if there is one."""
    return next((one for one in attached if isinstance(one, ResidualMap)), None)


def _replaces(adapter: Adapter, other: Adapter) -> bool:
    same_kind = isinstance(adapter, type(other))
    return same_kind and (isinstance(adapter, ResidualMap) or adapter.name == other.name)
