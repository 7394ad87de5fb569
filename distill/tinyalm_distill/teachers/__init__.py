"""Teachers: models that put sounds and texts into one space, for students to learn."""

from tinyalm_distill.teachers.answers import Answers, Caption, Inheritance
from tinyalm_distill.teachers.opening import open_caption_teacher, open_teacher
from tinyalm_distill.teachers.protocols import AudioTextTeacher, CaptionTeacher

__all__ = [
    "Answers",
    "AudioTextTeacher",
    "Caption",
    "CaptionTeacher",
    "Inheritance",
    "open_caption_teacher",
    "open_teacher",
]
