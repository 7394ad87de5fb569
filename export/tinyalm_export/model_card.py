"""The README of a bundle: what it is, where it comes from, and what it was measured at."""

from collections.abc import Mapping, Sequence

from tinyalm.bundle import SUFFIX, BundleManifest
from tinyalm.cli.layout import size

_LIMITS = """\
It was taught by one teacher on the recordings below and inherits what both got wrong. Sounds unlike
those recordings get scores all the same, and a score says how well label and sound match, not how
likely the event is unless the bundle is calibrated. Windows are judged one by one, so that what
takes longer than a window is not understood as a whole. It is not meant to identify persons, nor
to be the only guard of anybody's safety."""


def model_card(manifest: BundleManifest, sizes: Mapping[str, int]) -> str:
    """The card of a bundle as markdown.

    Args:
        manifest: of the bundle.
        sizes: bytes of its files by name.
    """
    origin = manifest.provenance
    sections = {
        f"# {manifest.name}": (
            f"A compact audio-language model, {manifest.audio.precision}: sound and text to "
            f"embeddings of {manifest.embedding_dim} numbers, distilled from `{origin.teacher}` "
            f"({origin.teacher_licence}) by {origin.created_by}."
        ),
        "## Use": _use(manifest),
        "## Files": _table(
            ("file", "size"), [(f"`{name}`", size(count)) for name, count in sizes.items()]
        ),
        "## Measured": _metrics(manifest),
        "## Parity with torch": _parity(manifest),
        "## Taught with": _data(manifest),
        "## Limits": _LIMITS,
    }
    return "\n".join(f"{title}\n\n{text}\n" for title, text in sections.items())


def _use(manifest: BundleManifest) -> str:
    front, windows = manifest.frontend, manifest.windows
    path = f"{manifest.name}{SUFFIX}"
    caption = 'model.caption("street.wav")\n' if manifest.caption else ""
    return (
        f"```\ntinyalm tag FILE --bundle {path}\n```\n\n"
        "```python\nimport tinyalm\n\n"
        f'model = tinyalm.load("{path}")\n'
        'model.tag("street.wav", ["dog barking", "rain"])\n'
        f"{caption}```\n\n"
        f"Sound is heard at {front.sample_rate} Hz in windows of {windows.length_s:g} s every "
        f"{windows.hop_s:g} s; any file, rate and length goes in."
    )


def _metrics(manifest: BundleManifest) -> str:
    metrics = manifest.provenance.metrics
    sides = [side.graph for side in (manifest.text, manifest.caption) if side]
    graphs = [manifest.audio, *sides]
    rows = [(f"parameters of `{graph.file}`", f"{graph.parameters:,}") for graph in graphs]
    rows += [(name.replace("_", " "), f"{value:.4g}") for name, value in metrics.items()]
    return _table(("what", "value"), rows)


def _parity(manifest: BundleManifest) -> str:
    rows = [
        (str(row.batch), str(row.samples), f"{row.max_abs_error:.1e}", f"{row.min_cosine:.6f}")
        for row in manifest.parity
    ]
    return _table(("batch", "samples", "largest error", "lowest cosine"), rows)


def _data(manifest: BundleManifest) -> str:
    rows = [
        (data.name, str(data.clips or "texts"), data.licence) for data in manifest.provenance.data
    ]
    return _table(("source", "clips", "licence"), rows) if rows else "Not recorded."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in row) + " |" for row in cells)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
