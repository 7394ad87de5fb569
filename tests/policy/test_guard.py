"""What a loaded model refuses, and that nothing widens it."""

import contextlib
import dataclasses
import json

import numpy as np
import pytest

import tinyalm
from tests.fakes import RATE, WORDS, tone, write_tone
from tests.indexing import sounds
from tests.policy.files import write_policy
from tinyalm.adapters import save_adapter
from tinyalm.errors import ConfigError
from tinyalm.label_pack import LabelPack
from tinyalm.labels import LabelEmbeddings
from tinyalm.policy import Policy, PolicyError
from tinyalm.policy.rules import TASKS

HUM = tone(250, 2)


@pytest.fixture(scope="module")
def micro():
    """The shipped student, without a policy."""
    return tinyalm.load()


def asks(model, folder):
    """Everything that can be asked of a model, by task."""
    file = write_tone(folder / "hum.wav", "hum")
    learned = {"mine": [HUM, HUM + 0.01], "yours": [tone(5000, 2), tone(4900, 2)]}

    def indexed(ask):
        with model.index(folder / "sounds.db") as index:
            return ask(index)

    return {
        "tag": [lambda: model.tag(HUM, sample_rate=RATE)],
        "listen": [lambda: model.session(), lambda: list(model.listen(HUM, sample_rate=RATE))],
        "index": [
            lambda: indexed(lambda index: index.add(file)),
            lambda: indexed(lambda index: index.sync(folder)),
            lambda: indexed(lambda index: index.remove(file)),
            lambda: indexed(lambda index: index.move(file, folder / "other.wav")),
        ],
        "search": [
            lambda: indexed(lambda index: index.search("hum")),
            lambda: indexed(lambda index: index.search_audio(HUM, sample_rate=RATE)),
            lambda: indexed(lambda index: index.search(np.eye(8, dtype="f4")[0])),
        ],
        "learn": [lambda: model.learn(learned, sample_rate=RATE)],
        "embed": [
            lambda: model.embed_audio(HUM, RATE),
            lambda: model.embed_windows(HUM, RATE),
            lambda: model.embed_text("hum"),
            lambda: indexed(lambda index: index.export(folder / "out.parquet")),
        ],
    }


@pytest.mark.parametrize("task", [task for task in TASKS if task != "caption"])
def test_only_the_tasks_of_the_policy_are_done(bundle, tmp_path, task):
    model = tinyalm.load(bundle, policy=Policy(tasks=[task]))
    for name, several in asks(model, tmp_path).items():
        for ask in several:
            if name != task:
                with pytest.raises(PolicyError, match=f"does not allow the task '{name}'"):
                    ask()
            else:
                with contextlib.suppress(ConfigError):  # nothing is there to remove or move
                    ask()


def test_only_the_labels_of_the_policy_are_asked(bundle, tmp_path):
    policy = Policy(tasks=TASKS, labels=("Hum", "horn", "zing"), families=["alarms"])
    model = tinyalm.load(bundle, policy=policy)
    assert {tag.label for tag in model.tag(HUM, sample_rate=RATE)} == {"hum", "horn"}
    assert model.tag(HUM, ["HUM", "Fire alarm"], sample_rate=RATE)
    for ask in (
        lambda: model.tag(HUM, ["hum", "beep"], sample_rate=RATE),
        lambda: model.session(["beep"]),
        lambda: model.embed_text("beep"),
        lambda: model.embed_labels(["beep"]),
        lambda: model.learn({"beep": [HUM, HUM], "hum": [HUM, HUM]}, sample_rate=RATE),
        lambda: model.index(tmp_path / "a.db").search("beep"),
        lambda: model.index(tmp_path / "a.db").search(np.eye(8, dtype="f4")[0]),
    ):
        with pytest.raises(PolicyError, match="does not allow"):
            ask()
    with pytest.raises(PolicyError, match="none of the bundle's own labels"):
        tinyalm.load(bundle, policy=Policy(tasks=TASKS, labels=["zing"])).tag(HUM, sample_rate=RATE)


def test_every_policy_must_allow(bundle, tmp_path, monkeypatch):
    file = write_policy(tmp_path / "p.toml", "tasks = ['tag', 'listen']\nlabels = ['hum']")
    monkeypatch.setenv("TINYALM_POLICY", str(file))
    model = tinyalm.load(bundle, policy=Policy(tasks=["tag", "embed"], sensitive=["gender"]))
    assert len(model.policies) == 2
    assert model.tag(HUM, ["hum"], sample_rate=RATE)
    for refused in (
        lambda: model.embed_audio(HUM, RATE),
        lambda: model.session(["hum"]),
        lambda: model.tag(HUM, ["beep"], sample_rate=RATE),
    ):
        with pytest.raises(PolicyError):
            refused()


def test_the_public_api_does_not_widen_a_policy(bundle):
    model = tinyalm.load(bundle, policy=Policy(tasks=["tag"]))
    for change in (
        lambda: setattr(model, "policies", ()),
        lambda: setattr(model.policies[0], "tasks", TASKS),
        lambda: model.policies[0].__init__(tasks=TASKS),
    ):
        with contextlib.suppress(AttributeError, TypeError):
            change()
    with pytest.raises(PolicyError):
        model.embed_audio(HUM, RATE)


SENSITIVE = {
    "gender": "a woman speaking",
    "age": "the voice of a young kid",
    "emotion": "an angry voice",
    "health": "a person with asthma",
    "ethnicity": "someone with a foreign accent",
    "identity": "who is speaking",
}


@pytest.mark.parametrize(("category", "text"), SENSITIVE.items())
def test_sensitive_inferences_are_refused_by_default(micro, tmp_path, category, text):
    silence = np.random.default_rng(0).normal(0, 0.1, RATE).astype("f4")
    message = rf"asks for the {category} of a person.*--policy"
    with micro.index(tmp_path / "a.db") as index:
        for ask in (
            lambda: micro.tag(silence, ["rain", text], sample_rate=RATE),
            lambda: micro.session([text]),
            lambda: micro.embed_labels([text]),
            lambda: micro.learn({text: [silence] * 2}, sample_rate=RATE),
            lambda: index.search(text),
        ):
            with pytest.raises(PolicyError, match=message):
                ask()
        with pytest.raises(PolicyError):
            index.search(micro.embed_text(text))
    allowed = tinyalm.load(policy=Policy(tasks=TASKS, sensitive=[category]))
    assert allowed.tag(silence, ["rain", text], sample_rate=RATE, top_k=2)


def test_sounds_are_no_sensitive_inferences(micro):
    asked = ["a dog barking", "coughing", "smoke alarm", "idling", "a crying baby", "sad music"]
    assert micro.embed_labels(asked).labels == asked
    assert micro.embed_labels().labels == micro.manifest.labels


def test_names_that_hide_a_sensitive_vector_are_seen_through(micro):
    row = micro.embed_text(["an angry voice"])
    for name in ("rain", "Dog", "zing"):
        forged = LabelEmbeddings([name], "{}", row)
        pack = LabelPack(
            [name], "{}", row, teacher=micro.manifest.provenance.teacher, tower="forged"
        )
        for labels in (forged, pack):
            with pytest.raises(PolicyError, match="emotion"):
                micro.tag(HUM, labels, sample_rate=RATE)
    windows = micro.embed_windows(HUM, RATE)
    with pytest.raises(PolicyError, match="emotion"):
        micro.score(windows, LabelEmbeddings(["rain"], "{}", row))
    own = micro.embed_labels()
    assert micro.score(windows, dataclasses.replace(own)).tags
    with pytest.raises(PolicyError, match="gender"):
        micro.tag(HUM, ["rain"], template="a woman and {}", sample_rate=RATE)


def test_learned_labels_from_files_are_asked_by_name(bundle, tmp_path):
    free = tinyalm.load(bundle, policy=Policy(tasks=TASKS, sensitive=["identity"]))
    learned = free.learn({"whose voice": [HUM, HUM], "b": [tone(5000, 2)] * 2}, sample_rate=RATE)
    save_adapter(learned, tmp_path / "a.adapter")
    with pytest.raises(PolicyError, match="identity"):
        tinyalm.load(bundle).attach(tmp_path / "a.adapter")


def test_the_audit_log_tells_what_was_asked_and_nothing_of_what_it_was_about(bundle, tmp_path):
    log = tmp_path / "audit.jsonl"
    policy = Policy(tasks=["tag", "index"], labels=WORDS, audit=str(log), name="p")
    model = tinyalm.load(bundle, policy=policy)
    secret = sounds(tmp_path / "secret-folder")["hum"]
    model.tag(secret, ["hum", "beep"])
    for refused in (
        lambda: model.tag(secret, ["passphrase"]),
        lambda: model.session(["hum"]),
    ):
        with pytest.raises(PolicyError):
            refused()
    with model.index(tmp_path / "a.db") as index:
        index.add(secret)
    text = log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(line.pop("time") for line in lines)
    told = {"policy": "p", "task": "tag"}
    assert lines == [
        told | {"decision": "allowed", "reason": "", "count": 2},
        told | {"decision": "refused", "reason": "label", "count": 1},
        told | {"task": "listen", "decision": "refused", "reason": "task", "count": 1},
        told | {"task": "index", "decision": "allowed", "reason": "", "count": 0},
    ]
    assert not any(word in text for word in ("hum", "beep", "passphrase", "secret"))
    assert log.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_logged_is_not_done(bundle, tmp_path):
    model = tinyalm.load(bundle, policy=Policy(tasks=TASKS, audit=str(tmp_path / "no" / "log")))
    with pytest.raises(tinyalm.TinyalmError, match="what is not logged is not done"):
        model.tag(HUM, sample_rate=RATE)


def test_a_line_that_was_cut_short_spoils_no_other(bundle, tmp_path):
    log = tmp_path / "audit.jsonl"
    log.write_text('{"time": "20')
    model = tinyalm.load(bundle, policy=Policy(tasks=TASKS, audit=str(log)))
    model.tag(HUM, sample_rate=RATE)
    first, second = log.read_text().splitlines()
    assert first == '{"time": "20'
    assert json.loads(second)["decision"] == "allowed"
