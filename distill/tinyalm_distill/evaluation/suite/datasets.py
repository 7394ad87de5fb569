"""Which data sets are evaluated on, and how: the survey's Tables VI and VII, and others in use."""

from dataclasses import dataclass

from tinyalm_distill.datasets.registry import Dataset, dataset

# Elizalde et al., CLAP (arXiv:2206.04769), section 3: one prompt for all domains, but for emotions.
SOUND, FEELING = "This is a sound of {}", "this person is feeling {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """How a data set is evaluated on.

    Attributes:
        dataset: what is read.
        test: the published test split; None where all folds are tested in turn.
        count: folds that are dealt where none are published.
        template: prompt.
        labels: the label set where the clips on disk may lack one.
        probed: whether linear probes are made; without them only the test split is looked at.
        note: what differs from how it is published.
    """

    dataset: Dataset
    test: str | None = None
    count: int = 5
    template: str = SOUND
    labels: tuple[str, ...] = ()
    probed: bool = True
    note: str = ""

    @property
    def name(self) -> str:
        """The data set's."""
        return self.dataset.name


_NSYNTH = "bass brass flute guitar keyboard mallet organ reed string synth_lead vocal"
BENCHMARKS = (
    Benchmark(dataset=dataset("esc50")),
    Benchmark(dataset=dataset("urbansound8k")),
    Benchmark(dataset=dataset("fsd50k"), test="test"),
    Benchmark(dataset=dataset("audioset"), test="test", probed=False),
    Benchmark(dataset=dataset("vggsound"), test="test"),
    Benchmark(dataset=dataset("tut2017")),
    Benchmark(
        dataset=dataset("gtzan"),
        count=10,
        note="no folds are published; ten of ours, every genre spread evenly",
    ),
    Benchmark(
        dataset=dataset("nsynth"),
        test="test",
        labels=tuple(family.replace("_", " ") for family in _NSYNTH.split()),
    ),
    Benchmark(dataset=dataset("vocalsound"), test="test"),
    Benchmark(
        dataset=dataset("cremad"),
        template=FEELING,
        note="no folds are published; five of ours, by actor",
    ),
    Benchmark(dataset=dataset("fsdnoisy18k"), test="test"),
    Benchmark(dataset=dataset("clotho"), test="test", probed=False),
    Benchmark(dataset=dataset("audiocaps"), test="test", probed=False),
)
NAMES = tuple(one.name for one in BENCHMARKS)
