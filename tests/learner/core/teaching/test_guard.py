"""What the guard says of a child: which limits it kept to, and why it went no farther."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from learner.core import checkpoint
from learner.core.separators import Separator, build
from learner.core.songs.synth import make_song
from learner.core.teaching import child as judging
from learner.core.teaching.adapt import Adapted, MarkedSong, adapt
from learner.core.teaching.child import Selection
from learner.core.teaching.continual import copy_weights
from learner.core.teaching.feedback import prepare
from learner.core.teaching.limits import Candidate, within
from learner.core.teaching.recipe import BadRecipe, Recipe

TINY = Recipe(steps=2, n_frames=16, new_patches=2, replay_patches=2, keep_every=0, half_way=0.0, voice_kept_db=-60, past_lost_db=60)
SOLOS = replace(TINY, solo_sdr_db=10.0)


@pytest.fixture(scope="module")
def parent() -> Separator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build("unet", {"widths": [4, 4, 4]}).eval()


@pytest.fixture
def gains(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """By a separator's id, the factor by which it lets everything through; 0.999 where none is given."""
    found: dict[int, float] = {}

    def through(separator: Separator, mixture: torch.Tensor, other: torch.Tensor | None) -> torch.Tensor:
        spectrum: torch.Tensor = separator.spectra(mixture[None]) * found.get(id(separator), 0.999)
        return spectrum

    monkeypatch.setattr(judging, "spectrum_of", through)
    return found


def test_a_child_that_mutes_held_voices_is_not_within_its_limits(parent: Separator, gains: dict[int, float]) -> None:
    selection = Selection(parent, [], [], SOLOS)
    assert len(selection.solos) == 4
    for gain, kept in ((0.999, True), (0.3, False)):
        gains[id(selection.candidate)] = gain
        selection.weighed.clear()
        assert all(within(one, SOLOS) == kept for one in selection.weigh(1, copy_weights(parent)))


def test_held_voices_that_the_parent_does_not_know_are_no_measure(parent: Separator, gains: dict[int, float]) -> None:
    gains[id(parent)] = 0.1
    assert Selection(parent, [], [], SOLOS).solos == []


def test_they_are_not_heard_where_nobody_asks(parent: Separator, gains: dict[int, float]) -> None:
    assert math.isnan(Selection(parent, [], [], TINY).weigh(1, copy_weights(parent))[0].solo_db)


@pytest.mark.parametrize(("each_second", "lost"), [(False, -8.0), (True, 0.0)])
def test_a_single_second_between_two_kinds_is_no_loss_where_seconds_are_compared_one_by_one(
    parent: Separator, each_second: bool, lost: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a song whose seconds are at 2 dB or at 10 dB, the median falls from 10 to 2 dB when one second in the middle does."""
    selection = Selection(parent, [], [], replace(TINY, second_by_second=each_second, factors=(1.0,)))
    seconds = {"the parent": [2.0, 2.0, 10.0, 10.0, 10.0]}
    monkeypatch.setattr(selection, "_past", lambda _, which: ([5.0], [torch.tensor(seconds.get(which, [2.0, 2.0, 2.0, 10.0, 10.0]))]))
    assert selection.weigh(1, copy_weights(parent))[0].past_median_db == lost


def test_what_all_sung_seconds_lose_is_a_loss_however_they_are_compared(parent: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = torch.tensor([2.0, 2.0, 10.0, 10.0, 10.0])
    for each_second in (False, True):
        selection = Selection(parent, [], [], replace(TINY, second_by_second=each_second, factors=(1.0,)))
        monkeypatch.setattr(selection, "_past", lambda _, which: ([5.0], [seconds - (0.0 if which == "the parent" else 1.0)]))
        assert selection.weigh(1, copy_weights(parent))[0].past_median_db == -1.0


def adapted(tmp_path: Path, parent: Separator, recipe: Recipe, seconds: float = 2.0) -> Adapted:
    song = make_song(1, "target", 8.0)
    marked = MarkedSong(song.name, song.sample_rate, song.mixture, [(0.2, 0.2 + seconds, 1.0)], [(0.0, 6.0)])
    source = [make_song(seed, "source", 6.0) for seed in range(2)]
    path = checkpoint.save(parent, tmp_path, recipe={}, parent=None).path
    return adapt(path, [marked], source, source, recipe=recipe, seed=1, out=tmp_path)


def test_a_child_that_went_all_the_way_says_so(parent: Separator, tmp_path: Path) -> None:
    assert adapted(tmp_path, parent, TINY).report["held_back"] == "The child went 100% of the way that its marks showed."


def test_few_marks_are_named_as_what_held_it_back(parent: Separator, tmp_path: Path) -> None:
    told = adapted(tmp_path, parent, replace(TINY, half_way=2.0)).report["held_back"]
    assert "2 marked seconds allow 47% of it" in told


def test_a_limit_that_held_it_back_is_named(parent: Separator) -> None:
    jury = Selection(parent, [], [], TINY)
    half = Candidate(2, 0.5, leak_db=-3.0, kept_db=0.0, past_db=0.0, past_median_db=0.0)
    whole = replace(half, factor=1.0, past_db=-70.0, kept_db=-61.0)
    assert jury._held_back(half, [half, whole]) == (
        "The child went 50% of the way that its marks showed; farther, the accepted voice would change by -61.0 dB (allowed -60) and "
        "the validation songs would lose 70.00 dB (allowed 60)."
    )


def test_a_mildest_point_that_breaks_a_limit_says_which(parent: Separator) -> None:
    selection = Selection(parent, [], [], TINY)
    only = Candidate(2, 0.5, leak_db=-3.0, kept_db=0.0, past_db=-70.0, past_median_db=0.0)
    assert selection._held_back(only, [only]).endswith("though there the validation songs would lose 70.00 dB (allowed 60).")


@pytest.mark.parametrize(
    ("before", "after", "seconds", "told"),
    [
        (
            (-1.0, 0.0),
            (-1.5, 0.0),
            60.0,
            "so either too many of them are no bleed, or the model cannot tell bleed",
        ),
        (
            (-1.0, 0.0),
            (-1.5, 0.0),
            3.0,
            "so 3 marked seconds are too few to learn from, too many of them are no bleed, or",
        ),
        ((-30.0, 0.0), (-31.0, 0.0), 60.0, "there is little to take out: on the marks the parent is 30 dB under the accepted voice"),
        ((-1.0, 0.0), (-7.0, -5.0), 60.0, "too much alike to the network: bleed was missed, or voices were marked"),
    ],
)
def test_why_marks_do_not_go_away_is_said_as_it_is(
    parent: Separator, before: tuple[float, float], after: tuple[float, float], seconds: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told in why_not(parent, before, after, seconds, monkeypatch)


def test_marks_that_go_away_need_no_words(parent: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_not(parent, (0.0, 0.0), (-10.0, -0.1), 60.0, monkeypatch) == ""


def why_not(
    parent: Separator, before: tuple[float, float], after: tuple[float, float], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> str:
    """What is said where marks and accepted voice had and have these levels."""
    selection = Selection(parent, [], [], TINY)
    monkeypatch.setattr(selection, "references", [None])
    selection.parents = judging._Judged(*before, [], [])
    monkeypatch.setattr(selection, "_heard", lambda *_: after)
    monkeypatch.setattr(selection, "_marked_seconds", lambda: seconds)
    return selection._voices_were_marked(copy_weights(parent))


def test_a_network_that_does_not_learn_is_asked_once_a_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every point is weighed on the same mixes; what the accompaniment's network makes of one is the same for all of them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        spleeter = build("spleeter", {"sample_rate": 16_000, "widths": [2, 3, 4], "n_fft": 512, "hop": 128}).eval()
    asked: list[torch.Size] = []

    def count(separator: Separator) -> None:
        accompaniment = dict(separator.named_modules())["net.accompaniment"]
        accompaniment.register_forward_pre_hook(lambda _, heard: asked.append(heard[0].shape))

    count(spleeter)
    songs = [make_song(seed, "source", 4.0) for seed in range(2)]
    marked = MarkedSong("marked", 16_000, songs[0].mixture, [(0.2, 0.8, 1.0)], [(0.0, 2.0)])
    recipe = replace(TINY, factors=(0.2, 0.5, 1.0), half_way=0.0)
    selection = Selection(spleeter, [prepare(marked, spleeter, margin=0.0)], songs, recipe)
    n_mixes, weights = len(asked), copy_weights(spleeter)
    count(selection.candidate)
    weights["net.vocals.last.bias"] -= 1.0
    spared = selection.weigh(1, weights)
    assert len(asked) == n_mixes
    monkeypatch.setattr(judging, "other_of", lambda *_: None)
    assert Selection(spleeter, [prepare(marked, spleeter, margin=0.0)], songs, recipe).weigh(1, weights) == spared, "to the bit"


def test_a_child_has_its_outer_layers_from_its_parent(tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        spleeter = build("spleeter", {"sample_rate": 16_000, "widths": [2, 3, 4, 5], "n_fft": 512, "hop": 128}).eval()
    child = checkpoint.load(adapted(tmp_path, spleeter, replace(TINY, still_layers=2)).path).state_dict()
    changed = {name for name, value in spleeter.state_dict().items() if not torch.equal(child[name], value)}
    assert changed and all(
        name.startswith(
            tuple(f"net.vocals.{part}" for part in ("down.2", "down.3", "down_scale.2", "up.0", "up.1", "up_scale.0", "up_scale.1"))
        )
        for name in changed
    )


def test_a_separator_without_outer_layers_cannot_keep_them(parent: Separator, tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="still_layers is 2: layers of unet"):
        adapted(tmp_path, parent, replace(TINY, still_layers=2))
