"""`tinyalm distill cut`: the clips of a manifest as files of their own."""

from pathlib import Path

import click
import soundfile

from tinyalm.audio import read
from tinyalm.errors import AudioError
from tinyalm_distill.manifest import read_clips


@click.command()
@click.argument("manifest")
@click.option("--split", help="Only the clips of this split.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the files.")
@click.option("--rate", default=16000, show_default=True, type=click.IntRange(1000, 384000))
@click.pass_context
def cut(context: click.Context, manifest: str, split: str | None, out: Path, rate: int) -> None:
    """Write every clip of MANIFEST as a WAV file of its own, to listen to or to tag.

    MANIFEST is a file, a folder, or asset:NAME for sounds that were pulled.
    """
    clips = read_clips(manifest, split)
    out.mkdir(parents=True, exist_ok=True)
    failed = False
    for clip in clips:
        try:
            waveform = read(clip.file, rate, start_s=clip.start_s, end_s=clip.end_s)
        except AudioError as error:
            click.echo(f"tinyalm: {error}", err=True)
            failed = True
            continue
        path = out / f"{clip.file.stem}-{clip.start_s:g}s.wav"
        soundfile.write(path, waveform, rate, subtype="PCM_16")
        click.echo(path)
    if failed:
        context.exit(2)
