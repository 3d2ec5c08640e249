"""Marks turned into examples."""

import numpy as np
import pytest
import torch

from learner.core import checkpoint
from learner.core.separators.unet import UNetSeparator
from learner.core.songs import Song
from learner.core.songs.synth import make_song
from learner.core.teaching.feedback import BadMark, Feedback, MarkedSong, NoMarks, frame_weights, prepare, silence
from learner.core.teaching.replay import NoReplay, Replay
from learner.core.teaching.train import BASE
from tests.present import present

RATE, N_FRAMES = 16_000, 16
N_SAMPLES = (N_FRAMES - 1) * 512


@pytest.fixture
def parent() -> UNetSeparator:
    """A separator that lets the whole mix through."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        separator = UNetSeparator(widths=(2, 2, 2)).eval()
    with torch.no_grad():
        present(separator.net.last.bias).fill_(100.0)
    return separator


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def tone(seconds: float, marks: list[tuple[float, float, float]], heard: list[tuple[float, float]]) -> MarkedSong:
    t = np.arange(round(seconds * RATE)) / RATE
    return MarkedSong("tone", RATE, (0.2 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)[None], marks, heard)


def feedback(song: MarkedSong, parent: UNetSeparator) -> Feedback:
    return Feedback([prepare(song, parent, margin=0.0)], sample_rate=RATE, hop=512, n_samples=N_SAMPLES, n_frames=N_FRAMES)


def test_only_the_marked_stretch_becomes_silent() -> None:
    vocals = torch.ones(2, 8)
    target = silence(vocals, [(0.5, 1.0)], sample_rate=4)
    assert target[0].tolist() == [1, 1, 0, 0, 1, 1, 1, 1]
    assert vocals.all(), "the caller's vocals are untouched"


def test_a_frame_has_the_weight_of_the_mark_its_centre_lies_in() -> None:
    assert frame_weights([(0.2, 0.5, 0.75)], 8, hop=10, sample_rate=100).tolist() == [0, 0, 0.75, 0.75, 0.75, 0, 0, 0]


def test_where_marks_overlap_the_surer_one_counts() -> None:
    weights = frame_weights([(0.0, 0.4, 0.5), (0.2, 0.6, 0.9)], 6, hop=10, sample_rate=100)
    assert weights.tolist() == pytest.approx([0.5, 0.5, 0.9, 0.9, 0.9, 0.9])


def test_a_margin_never_makes_a_mark_vanish() -> None:
    assert frame_weights([(0.2, 0.6, 1.0)], 8, hop=10, sample_rate=100, margin=5.0).tolist() == [0, 0, 0, 1, 1, 0, 0, 0]


def test_frames_are_marked_accepted_or_unknown_but_never_two_of_these(parent: UNetSeparator) -> None:
    heard = prepare(tone(4, [(1.0, 2.0, 0.9)], [(0.0, 3.0)]), parent, margin=0.1)
    assert not (heard.marked * heard.accepted).any()
    unheard = slice(3 * RATE // 512 + 1, None)
    assert not heard.marked[unheard].any() and not heard.accepted[unheard].any()
    assert heard.accepted[: RATE // 2 // 512].all()


def test_zero_vocal_targets_ask_for_silence_on_marks_and_for_nothing_unheard(parent: UNetSeparator, generator: torch.Generator) -> None:
    patches = feedback(tone(4, [(1.0, 2.0, 0.8)], [(0.5, 2.5)]), parent).zero_vocal_targets(12, generator, keep=0.5)
    assert not patches.truth.any()
    assert patches.truth_weight.unique().tolist() == pytest.approx([0.0, 0.8])
    assert patches.truth_weight.sum(dim=1).all(), "every patch holds marked frames"
    assert set(patches.keep_weight.unique().tolist()) <= {0.0, 0.5}
    assert not (patches.truth_weight * patches.keep_weight).any()


def test_an_artificial_accompaniment_repeats_the_marked_stretch_and_nothing_else_without_clicks(
    parent: UNetSeparator, generator: torch.Generator
) -> None:
    song = tone(4, [(1.0, 2.0, 1.0)], [(0.0, 4.0)])
    song.mixture[:, : RATE - 10] = 0.9  # what is not marked would be seen
    song.mixture[:, 2 * RATE + 10 :] = 0.9
    made = feedback(song, parent)
    band, sure = made.artificial_accompaniment(made.songs[0], generator)
    assert sure.tolist() == [1.0] * N_FRAMES
    assert band.shape == (1, N_SAMPLES)
    assert band.abs().max() <= 0.29
    assert band.diff().abs().max() < 0.06, "a 440 Hz sine at 0.2 moves by 0.035 a sample; a click would be more"


def test_what_is_cut_out_of_a_song_begins_on_the_separators_grid(parent: UNetSeparator, generator: torch.Generator) -> None:
    """A network of windows takes the same sound for a voice or not by where its windows begin: patches are what people heard."""
    grid, n_frames = 8 * 512, N_FRAMES
    n_samples = 100 * 512 + 3
    song = MarkedSong(
        "ramp", RATE, (np.arange(n_samples)[None] / n_samples).astype(np.float32), [(1.0, 1.5, 1.0), (2.9, 3.3, 1.0)], [(0.0, 4.0)]
    )
    prepared = prepare(song, parent, margin=0.0)
    made = Feedback([prepared], sample_rate=RATE, hop=512, n_samples=N_SAMPLES, n_frames=n_frames, grid=grid)
    patches = made.zero_vocal_targets(60, generator, keep=1.0)
    starts = (patches.mixture[:, 0, 0] * n_samples).round().long()
    assert set((starts % grid).tolist()) == {0}
    assert len(set(starts.tolist())) > 3, "marks lie somewhere in them, not always at the same place"
    for start, weight in zip((starts // 512).tolist(), patches.truth_weight, strict=True):
        wanted = prepared.marked[start : start + n_frames]
        assert weight[: len(wanted)].equal(wanted) and not weight[len(wanted) :].any()
        assert weight.any()
    seen = {
        start + frame for start, weight in zip((starts // 512).tolist(), patches.truth_weight, strict=True) for frame in weight.nonzero()
    }
    assert max(int(frame) for frame in seen) == int(prepared.marked.nonzero().max()), "the last mark is reached, past the last whole patch"


def test_a_patch_shorter_than_the_grid_still_holds_its_mark(parent: UNetSeparator, generator: torch.Generator) -> None:
    prepared = prepare(tone(4, [(1.0, 1.1, 1.0), (2.9, 3.0, 1.0)], [(0.0, 4.0)]), parent, margin=0.0)
    made = Feedback([prepared], sample_rate=RATE, hop=512, n_samples=N_SAMPLES, n_frames=N_FRAMES, grid=40 * 512)
    assert made.zero_vocal_targets(40, generator, keep=1.0).truth_weight.sum(dim=1).all()


def test_songs_that_are_replayed_as_they_are_begin_on_the_grid(
    monkeypatch: pytest.MonkeyPatch, parent: UNetSeparator, generator: torch.Generator
) -> None:
    monkeypatch.setattr(UNetSeparator, "grid", 8 * 512)
    ramp = (np.arange(60_000)[None] / 60_000).astype(np.float32)
    replay = Replay(
        [Song("ramp", RATE, ramp, ramp, 0 * ramp)], parent, n_samples=N_SAMPLES, n_frames=N_FRAMES, share=1.0, generator=generator
    )
    starts = (replay.patches(30, generator, remixed=0.0, keep=0.0).truth[:, 0, 0] * 60_000).round().long()
    assert set((starts % (8 * 512)).tolist()) == {0} and len(set(starts.tolist())) > 5


def test_synthetic_tracks_lay_known_vocals_over_marked_stretches(parent: UNetSeparator, generator: torch.Generator) -> None:
    songs = [make_song(1, "source", 8.0)]
    replay = Replay(songs, parent, n_samples=N_SAMPLES, n_frames=N_FRAMES, share=1.0, generator=generator)
    patches = feedback(tone(4, [(1.0, 2.0, 1.0)], []), parent).synthetic_tracks(6, generator, replay, own_voices=0.0, rests=0.0)
    assert patches.truth.any()
    band = patches.mixture - patches.truth
    assert band.abs().max() <= 0.29
    assert patches.truth_weight.all() and not patches.keep_weight.any()


def test_a_synthetic_track_counts_by_the_probability_of_the_mark_it_was_copied_from(
    parent: UNetSeparator, generator: torch.Generator
) -> None:
    song = tone(8, [(1.0, 1.3, 0.625), (2.0, 2.3, 0.875), (3.0, 5.0, 0.25)], [])
    replay = Replay([make_song(1, "source", 8.0)], parent, n_samples=N_SAMPLES, n_frames=N_FRAMES, share=1.0, generator=generator)
    patches = feedback(song, parent).synthetic_tracks(8, generator, replay, own_voices=0.0, rests=0.0)
    assert patches.truth_weight.shape == (8, N_FRAMES)
    assert patches.truth_weight.unique().tolist() == [0.625, 0.875], "a mark under a half is not used"
    assert any(len(weights.unique()) == 2 for weights in patches.truth_weight), "stretches side by side count each by its own"


def test_rests_in_a_synthetic_track_are_certain(parent: UNetSeparator, generator: torch.Generator) -> None:
    song = tone(4, [(0.2, 0.9, 0.75)], [(0.0, 4.0)])
    song.mixture[:, RATE : 2 * RATE] *= 0.01
    made = feedback(song, parent)
    _, sure = made.artificial_accompaniment(made.songs[0], generator, rests=1.0)
    assert sure.tolist() == [1.0] * N_FRAMES


def test_marks_too_short_for_an_accompaniment_fall_back_to_zero_vocal_targets(parent: UNetSeparator, generator: torch.Generator) -> None:
    replay = Replay([make_song(1, "source", 8.0)], parent, n_samples=N_SAMPLES, n_frames=N_FRAMES, share=1.0, generator=generator)
    patches = feedback(tone(4, [(1.0, 1.2, 1.0)], []), parent).synthetic_tracks(2, generator, replay, own_voices=0.0, rests=0.0)
    assert not patches.truth.any()


def test_feedback_without_a_single_mark_is_refused(parent: UNetSeparator) -> None:
    with pytest.raises(NoMarks):
        feedback(tone(4, [], [(0.0, 4.0)]), parent)


@pytest.mark.parametrize("mark", [(2.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (float("nan"), 1.0, 1.0), (9.0, 10.0, 1.0), (1.0, 2.0, 1.5)])
def test_a_mark_outside_the_song_or_without_a_probability_is_refused(parent: UNetSeparator, mark: tuple[float, float, float]) -> None:
    with pytest.raises(BadMark, match="tone, marks"):
        prepare(tone(4, [mark], []), parent, margin=0.1)


def test_a_mark_may_reach_past_the_end_since_players_round_up(parent: UNetSeparator) -> None:
    assert prepare(tone(4, [(3.0, 4.04, 1.0)], []), parent, margin=0.0).marked[-1] == 1


def test_replay_needs_songs_with_stems(parent: UNetSeparator, generator: torch.Generator) -> None:
    with pytest.raises(NoReplay):
        Replay([], parent, n_samples=N_SAMPLES, n_frames=N_FRAMES, share=1.0, generator=generator)


def test_the_replay_share_is_of_the_songs(parent: UNetSeparator, generator: torch.Generator) -> None:
    songs = [make_song(seed, "source", 4.0) for seed in range(4)]
    assert len(Replay(songs, parent, n_samples=N_SAMPLES, n_frames=N_FRAMES, share=0.5, generator=generator).songs) == 2
    assert len(Replay(songs, parent, n_samples=N_SAMPLES, n_frames=N_FRAMES, share=0.01, generator=generator).songs) == 1


def test_a_clip_that_ends_within_a_hop_ends_without_a_click() -> None:
    samples = make_song(7, "target", 10.0).mixture[:, : 512 * 250 + 511]
    song = MarkedSong("song", RATE, samples, [(1.0, 2.0, 1.0)], [(0.0, 4.0)])
    estimate = prepare(song, checkpoint.load(BASE), margin=0.0).estimate
    assert estimate.shape == samples.shape
    assert estimate[..., -512:].abs().max() < np.abs(samples).max()


def test_an_accepted_stretch_where_the_parent_is_quiet_is_a_rest(parent: UNetSeparator) -> None:
    song = tone(4, [], [(0.0, 4.0)])
    song.mixture[:, RATE : 2 * RATE] *= 0.01
    (rest,) = prepare(song, parent, margin=0.0).rests
    assert rest == pytest.approx((1.0, 2.0), abs=0.07)


def test_a_stretch_that_nobody_heard_is_no_rest(parent: UNetSeparator) -> None:
    song = tone(4, [], [(2.0, 4.0)])
    song.mixture[:, RATE : 2 * RATE] *= 0.01
    assert prepare(song, parent, margin=0.0).rests == []


def test_replayed_voices_come_in_other_keys(parent: UNetSeparator, generator: torch.Generator) -> None:
    sine = np.sin(2 * np.pi * 440 * np.arange(4 * 16_000) / 16_000)[None].astype(np.float32)
    songs = [Song("sine", 16_000, sine, sine, 0 * sine)]
    replay = Replay(songs, parent, n_samples=N_SAMPLES, n_frames=N_FRAMES, share=1.0, generator=generator, pitch_shift=3.0)
    pieces = [replay.vocals(generator)[0] for _ in range(12)]
    assert all(len(piece) == N_SAMPLES for piece in pieces)
    heard = [float(torch.fft.rfft(piece).abs().argmax()) * 16_000 / N_SAMPLES for piece in pieces]
    assert min(heard) < 425 and max(heard) > 455
    assert all(440 * 2 ** (-3.1 / 12) - 5 < pitch < 440 * 2 ** (3.1 / 12) + 5 for pitch in heard)
