"""What is said of a pool before people hear it."""

import pytest

from learner.core.choosing.pool import Heard, in_words, may_leak

RESTS, LEAKS = Heard("quiet", 0.2, 0.09), Heard("violin", 12.5, 0.01)
SURE, UNSURE, UNKNOWN = Heard("sure", None, 0.02), Heard("unsure", None, 0.09), Heard("no dropout", None, None)


def test_stems_go_before_what_a_model_is_unsure_of() -> None:
    assert may_leak([RESTS, UNSURE, SURE, LEAKS]) == [LEAKS, UNSURE]


def test_what_nothing_tells_of_may_leak_and_is_not_spoken_of() -> None:
    assert may_leak([UNKNOWN]) == [UNKNOWN]
    assert in_words([UNKNOWN]) == ""


@pytest.mark.parametrize(
    ("songs", "words"),
    [
        ([RESTS], "Hardly any of 1 songs in the pool leaks, by their stems, so people would mark nothing. Put songs in whose leads"),
        ([SURE, SURE], "Hardly any of 2 songs in the pool leaks, by how sure the model is of them"),
        ([RESTS, LEAKS], "1 of 2 songs in the pool leak, by their stems: violin (12.5 s/min)."),
        ([SURE, UNSURE, LEAKS], "2 of 3 songs in the pool seem to leak, by their stems, or how sure it is: violin (12.5 s/min), unsure."),
        ([UNSURE] * 7, "unsure, unsure, unsure, unsure, unsure and 2 more."),
    ],
)
def test_it_is_said_how_many_leak_which_and_how_that_is_known(songs: list[Heard], words: str) -> None:
    assert words in in_words(songs)


def test_songs_that_nobody_looked_at_closely_are_not_called_quiet() -> None:
    assert "Hardly any of 1 songs in the pool that look most like leaks, of 9, leaks" in in_words([SURE], n_others=8)


def test_where_few_leak_it_is_said_which_songs_would() -> None:
    assert "English horn" in in_words([LEAKS, RESTS, RESTS, RESTS])
    assert "English horn" not in in_words([LEAKS, RESTS])


def test_of_another_stem_no_voice_is_spoken_of() -> None:
    assert "where it rests" in in_words([RESTS], "drums")
    assert "voice" not in in_words([RESTS], "drums")
