"""Any sequence of changes leaves what a dictionary would hold."""

import os
import tempfile
from pathlib import Path

import soundfile
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.fakes import RATE, TONES, WORDS, tone
from tinyalm.errors import ConfigError

WORD = st.sampled_from(WORDS[:3])
NAME = st.sampled_from(["a.wav", "b.wav", "x/a.wav", "x/b.wav", "x/y/a.wav"])
FOLDER = st.sampled_from(["", "x", "x/y", "z"])


def changes(model):  # noqa: C901 - one machine
    class Changes(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.place = tempfile.TemporaryDirectory()
            self.folder = Path(self.place.name) / "sounds"
            self.index = model.index(Path(self.place.name) / "sounds.db")
            self.files: dict[str, str] = {}  # what is on the disk: words by name
            self.held: dict[str, str] = {}  # what should be in the index
            self.clock = 0

        def teardown(self):
            self.index.close()
            self.place.cleanup()

        def inside(self, folder):
            return [n for n in self.held if n == folder or not folder or n.startswith(f"{folder}/")]

        @rule(name=NAME, word=WORD)
        def write(self, name, word):
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, tone(TONES[WORDS.index(word)], 0.5), RATE)
            self.clock += 1
            os.utime(file, (self.clock, self.clock))
            self.files[name] = word

        @rule(name=NAME)
        def add(self, name):
            if name in self.files:
                held = self.held.get(name)
                done = self.index.add(self.folder / name)
                self.held[name] = self.files[name]
                same = held == self.files[name]
                assert done == ("unchanged" if same else "updated" if held else "added")

        @rule(name=NAME)
        def delete(self, name):
            if self.files.pop(name, None):
                (self.folder / name).unlink()

        @rule(folder=FOLDER | NAME)
        def remove(self, folder):
            names = self.inside(folder)
            try:
                assert self.index.remove(self.folder / folder) == len(names)
            except ConfigError:
                assert not names
            for name in names:
                del self.held[name]

        @rule(old=FOLDER, new=FOLDER)
        def move(self, old, new):
            names = self.inside(old)
            try:
                assert self.index.move(self.folder / old, self.folder / new) == len(names)
            except ConfigError:
                assert not names
            moved = {(new + n[len(old) :]).strip("/") or n: self.held.pop(n) for n in names}
            if not old and new:
                moved = {f"{new}/{n}": word for n, word in zip(names, moved.values(), strict=True)}
            self.held |= moved

        @rule()
        def sync(self):
            try:
                report = self.index.sync(self.folder)
            except ConfigError:
                assert not self.files
            else:
                assert not report.failed
                self.held = dict(self.files)

        @invariant()
        def the_index_holds_what_the_dictionary_holds(self):
            hits = self.index.search("hum", top_k=20)
            assert sorted(h.file for h in hits) == sorted(str(self.folder / n) for n in self.held)
            hums = {h.file for h in hits if h.similarity > 0.9}
            assert hums == {str(self.folder / n) for n, word in self.held.items() if word == "hum"}

    return Changes


def test_sequences_of_changes(model):
    run_state_machine_as_test(
        changes(model),
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
