"""The table of data sets: how each is read, where it comes from, what its licence allows."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.datasets import captions, environment, freesound, music_and_voice, videos
from tinyalm_distill.datasets.captions import TAMPERE, WAVCAPS
from tinyalm_distill.datasets.files import YOUTUBE
from tinyalm_distill.manifest import Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A data set as it is published.

    Attributes:
        name: for the command line.
        folders: what it unpacks to or is usually called.
        read: its clips, from its folder.
        source: who published it.
        homepage: where it is to be had.
        licence: of clips that state none of their own, in SPDX names.
        commercial: what it says of commercial use, in a few words.
        copies: what it says of passing recordings on, likewise.
    """

    name: str
    folders: tuple[str, ...]
    read: Callable[[Path], list[Clip]]
    source: str
    homepage: str
    licence: str
    commercial: str
    copies: str

    def find(self, root: Path) -> Path | None:
        """Its folder below ``root``; None where there is none."""
        return next((root / name for name in self.folders if (root / name).is_dir()), None)

    def clips(self, folder: Path) -> list[Clip]:
        """All published clips with source and licence, whether their recordings are there or not.

        Raises:
            DataError: the folder is not there or not as published; the message names the file.
        """
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; it is to hold {self.name} as published")
        try:
            clips = self.read(folder)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{folder}: not {self.name} as published: unexpected {error!r}; "
                f"unpack it again, from {self.homepage}"
            ) from None
        return [
            msgspec.structs.replace(clip, source=self.name, licence=clip.licence or self.licence)
            for clip in clips
        ]


DATASETS = (
    Dataset(
        name="audiocaps",
        folders=("audiocaps", "AudioCaps", "AUDIOCAPS"),
        read=videos.audiocaps,
        source="Kim et al. 2019, doi:10.18653/v1/N19-1011",
        homepage="https://audiocaps.github.io",
        licence=f"{YOUTUBE}; captions MIT",
        commercial="captions yes; recordings are their uploaders'",
        copies="no",
    ),
    Dataset(
        name="clotho",
        folders=("clotho", "Clotho", "CLOTHO_v2.1"),
        read=captions.clotho,
        source="Drossos et al. 2020, arXiv:1910.09387",
        homepage="https://zenodo.org/records/4783391",
        licence=f"recordings each its own (Freesound); captions {TAMPERE}",
        commercial="no (captions)",
        copies="recordings each by its own, captions no",
    ),
    Dataset(
        name="wavcaps",
        folders=("WavCaps", "wavcaps"),
        read=captions.wavcaps,
        source="Mei et al. 2024, arXiv:2303.17395",
        homepage="https://huggingface.co/datasets/cvssp/WavCaps",
        licence=WAVCAPS,
        commercial="no, academic only",
        copies="no",
    ),
    Dataset(
        name="macs",
        folders=("MACS", "macs"),
        read=captions.macs,
        source="Martin & Mesaros 2021, doi:10.5281/zenodo.5114771",
        homepage="https://zenodo.org/records/5114771",
        licence=TAMPERE,
        commercial="no",
        copies="no",
    ),
    Dataset(
        name="fsd50k",
        folders=("FSD50K", "fsd50k"),
        read=freesound.fsd50k,
        source="Fonseca et al. 2022, arXiv:2010.00475",
        homepage="https://zenodo.org/records/4060432",
        licence="CC0-1.0, CC-BY, CC-BY-NC or LicenseRef-CC-Sampling-Plus, each clip its own",
        commercial="84 % of the clips; ask its authors for the whole",
        copies="with attribution",
    ),
    Dataset(
        name="esc50",
        folders=("ESC-50-master", "ESC-50", "esc50"),
        read=environment.esc50,
        source="Piczak 2015, doi:10.1145/2733373.2806390",
        homepage="https://github.com/karolpiczak/ESC-50",
        licence="CC-BY-NC-3.0",
        commercial="no; the 400 clips of ESC-10 (CC-BY-3.0) yes",
        copies="with attribution",
    ),
    Dataset(
        name="urbansound8k",
        folders=("UrbanSound8K", "urbansound8k"),
        read=environment.urbansound8k,
        source="Salamon et al. 2014, doi:10.1145/2647868.2655045",
        homepage="https://urbansounddataset.weebly.com/urbansound8k.html",
        licence="CC-BY-NC-3.0",
        commercial="no",
        copies="with attribution",
    ),
    Dataset(
        name="audioset",
        folders=("AudioSet", "audioset"),
        read=videos.audioset,
        source="Gemmeke et al. 2017, doi:10.1109/ICASSP.2017.7952261",
        homepage="https://research.google.com/audioset",
        licence=f"{YOUTUBE}; labels CC-BY-4.0",
        commercial="labels yes; recordings are their uploaders'",
        copies="labels with attribution, recordings no",
    ),
    Dataset(
        name="audioset-strong",
        folders=("AudioSet_strong", "audioset_strong", "AudioSet", "audioset"),
        read=videos.audioset_strong,
        source="Hershey et al. 2021, arXiv:2105.07031",
        homepage="https://research.google.com/audioset/download_strong.html",
        licence=f"{YOUTUBE}; labels CC-BY-4.0",
        commercial="labels yes; recordings are their uploaders'",
        copies="labels with attribution, recordings no",
    ),
    Dataset(
        name="vggsound",
        folders=("VGGSound", "vggsound"),
        read=videos.vggsound,
        source="Chen et al. 2020, arXiv:2004.14368",
        homepage="https://www.robots.ox.ac.uk/~vgg/data/vggsound",
        licence=f"{YOUTUBE}; labels CC-BY-4.0",
        commercial="labels yes; recordings are their uploaders'",
        copies="labels with attribution, recordings no",
    ),
    Dataset(
        name="tut2017",
        folders=("TUT-acoustic-scenes-2017-development",),
        read=environment.tut2017,
        source="Mesaros et al. 2016, doi:10.1109/EUSIPCO.2016.7760424",
        homepage="https://zenodo.org/records/400515",
        licence=TAMPERE,
        commercial="no",
        copies="no",
    ),
    Dataset(
        name="gtzan",
        folders=("GTZAN", "gtzan", "genres"),
        read=music_and_voice.gtzan,
        source="Tzanetakis & Cook 2002, doi:10.1109/TSA.2002.800560",
        homepage="http://marsyas.info/downloads/datasets.html",
        licence="not stated (excerpts of published music)",
        commercial="not stated",
        copies="not stated",
    ),
    Dataset(
        name="nsynth",
        folders=("NSynth", "nsynth"),
        read=music_and_voice.nsynth,
        source="Engel et al. 2017, arXiv:1704.01279",
        homepage="https://magenta.tensorflow.org/datasets/nsynth",
        licence="CC-BY-4.0",
        commercial="yes",
        copies="with attribution",
    ),
    Dataset(
        name="vocalsound",
        folders=("vs_release_16k", "vs_release_44k", "VocalSound", "vocalsound"),
        read=music_and_voice.vocalsound,
        source="Gong et al. 2022, arXiv:2205.03433",
        homepage="https://github.com/YuanGongND/vocalsound",
        licence="CC-BY-SA-4.0",
        commercial="yes",
        copies="with attribution, alike",
    ),
    Dataset(
        name="cremad",
        folders=("CREMA-D", "crema-d", "cremad"),
        read=music_and_voice.cremad,
        source="Cao et al. 2014, doi:10.1109/TAFFC.2014.2336244",
        homepage="https://github.com/CheyneyComputerScience/CREMA-D",
        licence="ODbL-1.0",
        commercial="yes",
        copies="with attribution, databases alike",
    ),
    Dataset(
        name="fsdnoisy18k",
        folders=("FSDnoisy18k", "fsdnoisy18k"),
        read=freesound.fsdnoisy18k,
        source="Fonseca et al. 2019, arXiv:1901.01189",
        homepage="https://zenodo.org/records/2529934",
        licence="CC0-1.0 or CC-BY-3.0, each clip its own; data set CC-BY-4.0",
        commercial="yes",
        copies="with attribution",
    ),
)


def dataset(name: str) -> Dataset:
    """Find the data set called ``name``.

    Raises:
        ConfigError: there is none; the message names the nearest one and lists them all.
    """
    known = {one.name: one for one in DATASETS}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f", did you mean {near[0]!r}?" if near else ";"
    raise ConfigError(f"no data set is called {name!r}{hint} there are: {', '.join(sorted(known))}")
