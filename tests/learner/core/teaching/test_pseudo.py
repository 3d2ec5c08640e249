"""Songs that nobody has stems of, replayed as the parent hears them."""

import numpy as np
import pytest
import torch

from learner.core.separators import Separator, build
from learner.core.songs import Song
from learner.core.songs.synth import make_song
from learner.core.teaching import pseudo
from learner.core.teaching.replay import Replay


@pytest.fixture(scope="module")
def separator() -> Separator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build("unet", {"widths": [4, 4, 4]}).eval()


def mixes(*seeds: int) -> list[Song]:
    return [Song(song.name, song.sample_rate, song.mixture) for song in (make_song(seed, "source", 4.0) for seed in seeds)]


def test_the_parents_outputs_stand_for_stems(separator: Separator) -> None:
    whole = make_song(1, "source", 4.0)
    found = pseudo.with_stems([whole, *mixes(2)], separator)
    assert found[0] is whole
    made = found[1]
    assert isinstance(made, Song) and made.vocals is not None and made.accompaniment is not None
    np.testing.assert_allclose(made.vocals + made.accompaniment, made.mixture, atol=1e-6)


def test_of_a_long_song_its_middle_stands_for_it(separator: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudo, "LONGEST", 1.0)
    (song,) = mixes(1)
    (found,) = pseudo.with_stems([song], separator)
    assert isinstance(found, Song)
    np.testing.assert_array_equal(found.mixture, song.mixture[:, 24_000:40_000])


def test_songs_to_validate_on_are_mixed_anew(separator: Separator) -> None:
    whole = make_song(1, "source", 4.0)
    found = pseudo.remixed([whole, *mixes(2, 3)], separator)
    assert [song.name for song in found] == [whole.name, "source-2 over source-3", "source-3 over source-2"]
    first, _ = pseudo.with_stems(mixes(2, 3), separator)
    assert isinstance(first, Song) and first.vocals is not None and found[1].vocals is not None
    np.testing.assert_array_equal(found[1].vocals, first.vocals)


def test_a_single_mix_cannot_validate(separator: Separator) -> None:
    assert pseudo.remixed(mixes(2), separator) == []


def test_a_share_of_what_is_replayed_is_a_voice_alone(separator: Separator) -> None:
    songs = [make_song(seed, "source", 6.0) for seed in (1, 2)]
    replay = Replay(songs, separator, n_samples=4096, n_frames=9, share=1.0, generator=torch.Generator(), alone=1.0)
    patches = replay.patches(3, torch.Generator(), remixed=0.5, keep=0.0)
    torch.testing.assert_close(patches.mixture, patches.truth)
    assert float(patches.truth.abs().max()) > 0.01


def test_buried_voices_are_brought_up_to_a_level_over_the_band(separator: Separator) -> None:
    songs = [make_song(seed, "source", 6.0) for seed in (1, 2)]
    replay = Replay(songs, separator, n_samples=32_000, n_frames=63, share=1.0, generator=torch.Generator(), sung=1.0, over_band=(3.0, 3.0))
    patches = replay.patches(6, torch.Generator(), remixed=1.0, keep=0.0)
    band = patches.mixture - patches.truth
    levels = 10 * torch.log10(patches.truth.square().mean(dim=(1, 2)) / band.square().mean(dim=(1, 2)))
    torch.testing.assert_close(levels, torch.full((6,), 3.0), atol=0.01, rtol=0)
