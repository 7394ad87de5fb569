"""`tinyalm eval zero-shot`: classification by names alone."""

from pathlib import Path

import click
import msgspec

from tinyalm_distill.evaluation import Comparison, Embedded, Task, ZeroShot, open_embedder
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.progress import bar


@click.command("zero-shot")
@click.option("--manifest", required=True, help="Clips with labels; also asset:NAME.")
@click.option("--bundle", type=click.Path(path_type=Path), help="The bundle to measure.")
@click.option("--teacher", help="The teacher to measure.")
@click.option("--against", metavar="TEACHER", help="The teacher to compare with.")
@click.option("--split", help="Only the manifest's clips of this split.")
@click.option("--json", "as_json", is_flag=True)
def zero_shot(
    manifest: str,
    bundle: Path | None,
    teacher: str | None,
    against: str | None,
    split: str | None,
    as_json: bool,
) -> None:
    """Zero-shot top-1, top-5 and mAP over the manifest's own labels.

    With --against, also how much of that teacher's top-1 is retained, and the mean cosine between
    the embeddings of the two. In brackets: 95 % intervals of the bootstrap over clips.
    """
    if (bundle is None) == (teacher is None):
        raise click.UsageError("name one of --bundle and --teacher")
    task = Task(read_clips(manifest, split))
    measured = _embed(task, bundle, teacher)
    result = measured.zero_shot()
    comparison = measured.compare(_embed(task, None, against)) if against else None
    if as_json:
        click.echo(msgspec.json.encode({"result": result, "comparison": comparison}))
        return
    click.echo("\n".join(_lines(result, comparison)))


def _embed(task: Task, bundle: Path | None, teacher: str | None) -> Embedded:
    embedder = open_embedder(bundle=bundle, teacher=teacher)
    with bar(f"{embedder.name} hears clips") as progress:
        return task.embed(embedder, progress)


def _lines(result: ZeroShot, comparison: Comparison | None) -> list[str]:
    lines = [f"skipped {reason}" for reason in result.skipped]
    for measured in (result, *((comparison.against,) if comparison else ())):
        lines += [
            f"{measured.model}: {measured.clips} clips, {measured.labels} labels",
            f"  top-1 {measured.top1}   top-5 {measured.top5}   mAP {measured.map}",
        ]
    if comparison:
        lines += [f"retention {comparison.retention}   cosine {comparison.cosine}"]
    return lines
