"""From a CLAP checkpoint of any make to a teacher."""

from tinyalm_distill.teachers.clap.hugging_face import load_hugging_face
from tinyalm_distill.teachers.clap.published import load_published
from tinyalm_distill.teachers.clap.teacher import ClapTeacher
from tinyalm_distill.teachers.source import locate


def open_clap(given: str, *, threads: int = 2) -> ClapTeacher:
    """The teacher ``clap:given``.

    Args:
        given: a folder of transformers' `ClapModel`, its hub id, or a file of weights as LAION
            (``.pt``) or Microsoft (msclap 2022 and 2023, ``.pth``) publish them, with the
            tokenizer.json of its text tower beside it.
        threads: of the CPU.

    Raises:
        ConfigError: no such checkpoint, or one of another architecture.
        FetchError: the hub does not give it.
        DataError: it is damaged.
    """
    source = locate("clap", given)
    load = load_hugging_face if source.path.is_dir() else load_published
    return ClapTeacher(source, load(source.path), threads=threads)
