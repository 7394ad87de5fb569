"""`tinyalm eval caption`: how good the captions of recordings are."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyalm_distill.assets import require
from tinyalm_distill.commands import eval_options as options
from tinyalm_distill.evaluation.results import result
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.teachers import open_teacher

if TYPE_CHECKING:
    from tinyalm.captioning.side import Style

_JUDGE = "yamnet-minilm"


@click.command("caption")
@options.manifest("captions or labels")
@click.option("--bundle", type=click.Path(path_type=Path), help="The bundle to measure.")
@click.option(
    "--bank",
    required=True,
    type=click.Path(path_type=Path),
    help="Captions, one a line; the nearest one is the first baseline.",
)
@click.option("--style", type=click.Choice(["short", "full"]), default="short", show_default=True)
@click.option("--beam", type=click.IntRange(1), default=4, show_default=True)
@options.as_json
def caption(
    manifest: str,
    split: str | None,
    bundle: Path | None,
    bank: Path,
    style: "Style",
    beam: int,
    as_json: bool,
) -> None:
    """Captions of the manifest's clips beside two baselines, and beside the decoder alone.

    The baselines are the nearest caption of --bank, and "the sound of X and Y" of the two best
    labels. A clip without captions is compared with its labels. Similarity is the cosine of MiniLM
    embeddings; hallucination is the share of words for sounds that neither a reference nor one of
    YAMNet's five best classes supports. In brackets: 95 % intervals of the bootstrap over clips.
    """
    from tinyalm_distill.captioning.texts import read_captions
    from tinyalm_distill.evaluation.captions import Judge, measure_captions
    from tinyalm_distill.teachers.minilm import MiniLM

    clips, known = read_clips(manifest, split), read_captions(bank)
    judge = Judge(MiniLM(require(_JUDGE) / "minilm").encode, open_teacher(_JUDGE))
    measured = measure_captions(bundle, clips, known, judge, beam=beam, style=style)
    options.show([result(one) for one in measured], as_json)
