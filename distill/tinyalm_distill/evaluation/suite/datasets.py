"""The table of data sets: the survey's Tables VI and VII, and others in the same use."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinyalm_distill.evaluation.suite import layouts
from tinyalm_distill.manifest import Clip

# Elizalde et al., CLAP (arXiv:2206.04769), section 3: one prompt for all domains, but for emotions.
SOUND, FEELING = "This is a sound of {}", "this person is feeling {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A data set as it is published.

    Attributes:
        name: for the command line.
        folders: what it unpacks to or is usually called, below the data root.
        read: all its clips.
        source: who published it.
        test: the published test split; None where all folds are tested in turn.
        count: folds that are dealt where none are published.
        template: prompt.
        labels: the label set where the clips on disk may lack one.
        note: what differs from how it is published.
    """

    name: str
    folders: tuple[str, ...]
    read: Callable[[Path], list[Clip]]
    source: str
    test: str | None = None
    count: int = 5
    template: str = SOUND
    labels: tuple[str, ...] = ()
    note: str = ""

    def find(self, root: Path) -> Path | None:
        """Its folder below ``root``; None where there is none."""
        return next((root / name for name in self.folders if (root / name).is_dir()), None)


DATASETS = (
    Dataset(
        name="esc50",
        folders=("ESC-50-master", "ESC-50", "esc50"),
        read=layouts.esc50,
        source="Piczak 2015, doi:10.1145/2733373.2806390",
    ),
    Dataset(
        name="urbansound8k",
        folders=("UrbanSound8K", "urbansound8k"),
        read=layouts.urbansound8k,
        source="Salamon et al. 2014, doi:10.1145/2647868.2655045",
    ),
    Dataset(
        name="fsd50k",
        folders=("FSD50K", "fsd50k"),
        read=layouts.fsd50k,
        test="test",
        source="Fonseca et al. 2022, arXiv:2010.00475",
    ),
    Dataset(
        name="audioset",
        folders=("AudioSet", "audioset"),
        read=layouts.audioset,
        test="test",
        source="Gemmeke et al. 2017, doi:10.1109/ICASSP.2017.7952261",
    ),
    Dataset(
        name="vggsound",
        folders=("VGGSound", "vggsound"),
        read=layouts.vggsound,
        test="test",
        source="Chen et al. 2020, arXiv:2004.14368",
    ),
    Dataset(
        name="tut2017",
        folders=("TUT-acoustic-scenes-2017-development",),
        read=layouts.tut2017,
        source="Mesaros et al. 2016, doi:10.1109/EUSIPCO.2016.7760424",
    ),
    Dataset(
        name="gtzan",
        folders=("GTZAN", "gtzan", "genres"),
        read=layouts.gtzan,
        count=10,
        source="Tzanetakis & Cook 2002, doi:10.1109/TSA.2002.800560",
        note="no folds are published; ten of ours, every genre spread evenly",
    ),
    Dataset(
        name="nsynth",
        folders=("NSynth", "nsynth"),
        read=layouts.nsynth,
        test="test",
        source="Engel et al. 2017, arXiv:1704.01279",
        labels=(
            "bass",
            "brass",
            "flute",
            "guitar",
            "keyboard",
            "mallet",
            "organ",
            "reed",
            "string",
            "synth lead",
            "vocal",
        ),
    ),
    Dataset(
        name="vocalsound",
        folders=("vs_release_16k", "vs_release_44k", "VocalSound", "vocalsound"),
        read=layouts.vocalsound,
        test="test",
        source="Gong et al. 2022, arXiv:2205.03433",
    ),
    Dataset(
        name="cremad",
        folders=("CREMA-D", "crema-d", "cremad"),
        read=layouts.cremad,
        template=FEELING,
        source="Cao et al. 2014, doi:10.1109/TAFFC.2014.2336244",
        note="no folds are published; five of ours, by actor",
    ),
    Dataset(
        name="clotho",
        folders=("clotho", "Clotho"),
        read=layouts.clotho,
        test="test",
        source="Drossos et al. 2020, arXiv:1910.09387",
    ),
    Dataset(
        name="audiocaps",
        folders=("audiocaps", "AudioCaps"),
        read=layouts.audiocaps,
        test="test",
        source="Kim et al. 2019, doi:10.18653/v1/N19-1011",
    ),
)
NAMES = tuple(dataset.name for dataset in DATASETS)
