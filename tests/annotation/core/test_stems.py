"""How people speak of each stem."""

import re

import numpy as np
import pytest

from annotation.core import first_visit_sounds, leak
from annotation.core.stems import STEMS, rest_of, stem_of
from learner.core import songs
from learner.core.judging import stem_words as stems
from tests.hub.reading import OF_A_VOICE


def test_the_library_knows_the_same_stems() -> None:
    assert set(STEMS) == set(songs.TARGETS) == {*stems.CALLED, "vocals"}
    assert all(rest_of(stem) not in ("mixture", stem) for stem in STEMS)


@pytest.mark.parametrize("stem", STEMS)
def test_each_label_speaks_of_its_own_stem(stem: str) -> None:
    assert stem_of(STEMS[stem].label) == stem
    assert STEMS["vocals"].label == "False positive vocals"
    assert STEMS["drums"].label == "False positive drums"


def test_what_is_not_wrong_is_said_without_a_voice_where_there_is_none() -> None:
    drums = vars(STEMS["drums"])
    said = " ".join(str(value) for name, value in drums.items() if name != "to_mark")
    assert not re.search(OF_A_VOICE, said)


LEAKING = [example.name for example in first_visit_sounds.BY_NAME.values() if example.leaks]


@pytest.mark.parametrize(
    ("stem", "name"), [*((stem, "breath") for stem in STEMS), *((stem, name) for stem in ("drums", "accompaniment") for name in LEAKING)]
)
def test_examples_can_be_heard_in_every_campaign(stem: str, name: str) -> None:
    example = first_visit_sounds.BY_NAME[name]
    heard, mix = first_visit_sounds.sound(example, stem)
    assert heard.shape == mix.shape
    rate = first_visit_sounds.RATE
    level = [leak.level_of(heard, [span], rate) for span in example.leaks]
    assert all(db > -50 for db in level)
    assert leak.level_of(heard, example.sung, rate) > -40
    assert np.abs(heard).max() <= 1
    assert stem == "vocals" or not re.search(OF_A_VOICE, " ".join(example.said(stem)))


def test_the_library_says_of_drums_what_it_says_of_a_voice() -> None:
    said = "Target gate songs (4): true voice changes by -0.10 dB; held voices that sing alone; their sung seconds."
    assert stems.said_of("vocals", said) == said
    assert (
        stems.said_of("drums", said)
        == "Target gate songs (4): level of the true drums changes by -0.10 dB; drums that sound alone; their sounding seconds."
    )
