"""What is a policy, and what is refused as none."""

import msgspec
import pytest

import tinyalm
from tests.policy.files import ALL, write_keys, write_policy
from tinyalm.errors import ConfigError
from tinyalm.policy import Policy
from tinyalm.policy.reading import read_policy
from tinyalm.signing import sign


def refused(path, message, key=None):
    with pytest.raises(ConfigError, match=message) as caught:
        read_policy(path, key)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path.name) in str(caught.value)


def test_a_policy_says_what_it_allows(tmp_path):
    text = (
        'tasks = ["tag", "index"]\nlabels = ["rain"]\nfamilies = ["alarms"]\nsensitive = ["age"]\n'
        'speech = "drop"\nretention_days = 7\naudit = "logs/audit.jsonl"\nname = "doorbell"'
    )
    policy = read_policy(write_policy(tmp_path / "p.toml", text))
    assert policy == Policy(
        tasks=("tag", "index"),
        labels=("rain",),
        families=("alarms",),
        sensitive=("age",),
        speech="drop",
        retention_days=7,
        audit=str(tmp_path / "logs/audit.jsonl"),
        name="doorbell",
    )
    assert read_policy(write_policy(tmp_path / "q.toml")).name == str(tmp_path / "q.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{ALL}\nspeach = 'drop'", "unknown field `speach`"),
        ("tasks = 'tag'", "Expected `array`, got `str`"),
        ("tasks = ['tag', 'listne']", "listne"),
        ("tasks = [1]", "tasks"),
        (f"{ALL}\nsensitive = ['race']", "race"),
        (f"{ALL}\nfamilies = ['pets']", "pets"),
        (f"{ALL}\nspeech = true", "speech"),
        (f"{ALL}\nspeech = 'mute'", "mute"),
        (f"{ALL}\nlabels = ['']", "no text"),
        (f"{ALL}\nlabels = 'rain'", "Expected `array"),
        (f"{ALL}\nretention_days = '7'", "retention_days"),
        (f"{ALL}\nretention_days = 0", "above 0"),
        (f"{ALL}\nretention_days = inf", "above 0"),
        (f"{ALL}\naudit = 3", "audit"),
        ("labels = ['rain']", "tasks is missing"),
        (f"{ALL}\nformat_version = 1", "no policy"),
        ("tasks = [", "no policy"),
    ],
)
def test_what_is_no_policy_is_refused(tmp_path, text, message):
    refused(write_policy(tmp_path / "p.toml", text), message)


def test_other_versions_and_other_files_are_refused(tmp_path):
    file = tmp_path / "p.toml"
    refused(file, "cannot be read")
    file.write_text(f"format_version = 2\n{ALL}")
    refused(file, "format_version is 2")
    file.write_text(ALL)
    refused(file, "format_version is missing")
    file.write_bytes(b"\xff\xfe")
    refused(file, "no policy")


@pytest.mark.parametrize(
    "fields", [{"tasks": "tag"}, {"tasks": ["hear"]}, {"tasks": [], "labels": [3]}]
)
def test_a_policy_in_code_is_checked_like_a_file(fields):
    with pytest.raises(ConfigError):
        Policy(**fields)


def test_a_policy_cannot_be_changed():
    tasks = ["tag"]
    policy = Policy(tasks=tasks)
    tasks.append("index")
    assert policy.tasks == ("tag",)
    with pytest.raises(AttributeError):
        policy.tasks = ("tag", "index")


def test_signed_policies(tmp_path):
    file = write_policy(tmp_path / "p.toml")
    private, public = write_keys(tmp_path)
    _, other = write_keys(tmp_path, "other")
    assert read_policy(file).tasks
    refused(file, "not signed", public)
    sign(file, private)
    assert read_policy(file, public) == msgspec.structs.replace(read_policy(file, public))
    refused(file, "no key to check that with")
    refused(file, "the signature is not of this file", other)
    file.write_text(file.read_text() + "# added later")
    refused(file, "the signature is not of this file", public)
    sign(file, private)
    signature = tmp_path / "p.toml.sig"
    signature.write_bytes(signature.read_bytes()[:-1])
    refused(file, "the signature is not of this file", public)


@pytest.mark.parametrize("content", [b"", b"no key", "private"])
def test_keys_that_are_none_are_refused(tmp_path, content):
    file = write_policy(tmp_path / "p.toml")
    private, public = write_keys(tmp_path)
    sign(file, private)
    bad = private if content == "private" else tmp_path / "bad.pem"
    if content != "private":
        bad.write_bytes(content)
    with pytest.raises(ConfigError, match="no Ed25519 public key"):
        read_policy(file, bad)
    with pytest.raises(ConfigError, match="no Ed25519 private key"):
        sign(file, public)


def test_the_environment_says_which_key_and_which_policy(tmp_path, monkeypatch, bundle):
    file = write_policy(tmp_path / "p.toml", "tasks = ['tag']")
    private, public = write_keys(tmp_path)
    monkeypatch.setenv("TINYALM_POLICY_KEY", str(public))
    refused(file, "not signed")
    sign(file, private)
    monkeypatch.setenv("TINYALM_POLICY", str(file))
    assert [policy.tasks for policy in tinyalm.load(bundle).policies] == [("tag",)]
    monkeypatch.setenv("TINYALM_POLICY", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="cannot be read"):
        tinyalm.load(bundle)
