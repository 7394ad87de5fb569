"""A bundle and the policies in force, made into what a model asks before it answers."""

from functools import cache
from typing import TYPE_CHECKING

from tinyalm.bundle import BundleManifest
from tinyalm.policy.guard import Guard
from tinyalm.policy.rules import Policy
from tinyalm.text_side import TextSide

if TYPE_CHECKING:
    from tinyalm.policy.concepts import Concepts
    from tinyalm.policy.speech import SpeechRedaction


def guard_of(manifest: BundleManifest, text: TextSide, policies: tuple[Policy, ...]) -> Guard:
    """The guard of a bundle."""
    embed = text.embed if manifest.text is not None else None

    @cache
    def concepts() -> "Concepts":
        from tinyalm.policy.concepts import Concepts  # asking for own labels needs no phrases

        return Concepts(manifest, embed)

    return Guard(policies, manifest.labels, embed, concepts)


def speech_of(manifest: BundleManifest, text: TextSide, guard: Guard) -> "SpeechRedaction | None":
    """What takes speech out; None where the policies keep it.

    Raises:
        ConfigError: the policies ask for it, and the bundle has no labels to tell speech by.
    """
    if not guard.speech:
        return None
    from tinyalm.policy.speech import SpeechRedaction

    return SpeechRedaction(
        manifest.labels,
        lambda: text.embed_labels(list(manifest.labels), own=True).embeddings,
        guard.speech,
    )
