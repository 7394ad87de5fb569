import pytest

from tinyalm.errors import ConfigError
from tinyalm.labels import check_labels, fill_template, read_labels_file


def test_labels_keep_their_order_and_lose_their_margins():
    assert check_labels([" rain", "dog barking\n", "Rain"]) == ["rain", "dog barking", "Rain"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "the list of labels is empty; give at least one"),
        (["rain", " "], "label 2 is blank; give it words"),
        (["rain", "wind", "rain "], "label 'rain' is there twice, as number 1 and number 3; keep"),
        ("rain", "labels is the one text 'rain'; give a list of texts"),
        (["rain", 7], "label 2 is 7, which is no text"),
    ],
)
def test_bad_lists_are_refused_with_the_remedy(labels, message):
    with pytest.raises(ConfigError) as error:
        check_labels(labels)
    assert message in str(error.value)


def test_a_labels_file_has_one_label_a_line(tmp_path):
    file = tmp_path / "labels.txt"
    file.write_bytes("\ufeff# indoors\nrain, heavy\n\n  Türklingel \r\n".encode())
    assert read_labels_file(file) == ["rain, heavy", "Türklingel"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "labels cannot be read (No such file or directory)"),
        (b"", "the list of labels is empty"),
        (b"# nothing\n\n", "the list of labels is empty"),
        (b"rain\nrain\n", "label 'rain' is there twice"),
        (b"rain\nt\xfcr\n", "labels are not UTF-8 (byte 6); save the file as UTF-8"),
    ],
)
def test_a_bad_labels_file_is_named(tmp_path, content, message):
    file = tmp_path / "labels.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        read_labels_file(file)
    assert str(error.value).startswith(f"{file}: ")
    assert message in str(error.value)


def test_a_folder_is_no_labels_file(tmp_path):
    with pytest.raises(ConfigError, match="Is a directory"):
        read_labels_file(tmp_path)


def test_the_template_takes_labels_with_braces():
    assert fill_template("the sound of {}.", ["rain", "{x}"]) == [
        "the sound of rain.",
        "the sound of {x}.",
    ]


@pytest.mark.parametrize("template", ["", "a sound", "{} and {}", "{label}"])
def test_a_template_without_its_place_is_refused(template):
    with pytest.raises(ConfigError, match=r"must hold {} once") as error:
        fill_template(template, ["rain"])
    assert repr(template) in str(error.value)
