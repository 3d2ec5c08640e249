"""Make gold clips of what the checkpoint gives for songs with stems. Slow: for jobs."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soundfile

from annotation.core import leak
from annotation.core.regions import Region, clamp, merge, shift, subtract, total
from annotation.files import sounds, storage
from annotation.files.unusable import UnusableTrack, blamed
from annotation.models import Campaign, GoldTruth, Stem, Task, Track

LEVELS = (*leak.LEVELS, leak.LEVELS[1], None)  # in turn; None: a clip in which nothing leaks
MOST_SPANS = 3
DRAWS = 8  # of spans at random; the loudest in the estimate is used, since it needs the least boost
MOVES = 3.0  # seconds by which a clip may move so that it begins and ends between phrases, as those of the pool do
SHORTEST_REST = 1.2  # seconds without singing that a clip needs to leak in
CONTEXT = 15.0  # seconds around a clip that the separator hears with it, and without which it hears less well
LEFT_DB = (-36.0, -26.0)  # against the sung level: the most that is left where nothing is to be marked, drawn for each clip
OWN_LEAK = 1.0  # seconds; a clip in which the separator itself leaks for longer needs no leak mixed in
VOICE_LOST_DB = 6.0  # dB; where the estimate's voice is quieter than the true one by more, levels are set as if by this
Separate = Callable[[leak.Samples, int], leak.Samples]
"""From a mixture (channels, samples) and its sample rate to the extracted vocals in its shape."""


@dataclass(frozen=True)
class Gold:
    """A gold clip that is ready: its sound is stored, its truth known. `regions` are in track seconds."""

    track: Track
    clip: Region
    regions: list[Region]
    level: leak.Level | None
    file: str


def wanted_gold(campaign: Campaign, n_clips: int) -> int:
    """How many new gold tasks go with `n_clips` of the pool, so that nobody who answers all of them runs out."""
    share = round(n_clips * campaign.gold_share / (1 - campaign.gold_share) + 0.5) if campaign.gold_share else 0
    there = Task.objects.filter(campaign=campaign, kind=Task.Kind.GOLD, state=Task.State.OPEN).count()
    return max(share, 2 * campaign.qualification - there)


def prepare_gold(
    *, campaign: Campaign, n: int, separate: Separate, lengths: Sequence[float] = (), unusable: list[UnusableTrack] | None = None
) -> list[Gold]:
    """Make up to `n` gold clips and store their sound; fewer, where the campaign's songs with stems give no more. Slow: for jobs.

    Each is as long as one of `lengths` (seconds): those of the clips among which they will be, lest they be told apart by it.

    `separate` is what made the other clips of the queue: gold sounds like them, since it is made of what the same separator gives.
    Where `unusable` is given, what is wrong with a track that cannot be used is added to it, and the others are gone on with; else
    `UnusableTrack` is raised.
    """
    there = GoldTruth.objects.filter(task__campaign=campaign).count()
    ready: list[Gold] = []
    for track, clip in _candidates(campaign, sorted(lengths) or [campaign.clip_seconds]):
        if len(ready) >= n:
            break
        if any(one.track == track for one in unusable or ()):
            continue
        rng = np.random.default_rng([campaign.seed, int(track.fingerprint[:8], 16), round(clip.start * 1000)])
        try:
            gold = _made(campaign, track, clip, LEVELS[(there + len(ready)) % len(LEVELS)], rng, separate)
        except UnusableTrack as error:
            if unusable is None:
                raise
            unusable.append(error)
            continue
        if gold:
            ready.append(gold)
    return ready


def _candidates(campaign: Campaign, lengths: Sequence[float]) -> Iterator[tuple[Track, Region]]:
    """Clips between those of the pool, in an order drawn by the campaign's seed, songs of the pool first: they sound like the rest."""
    with_stems = Track.objects.filter(campaign=campaign, kept_apart=False, set_aside=None, stems__name=campaign.stem).filter(
        pk__in=Stem.objects.filter(name="mixture").values("track")
    )
    golds = Task.objects.filter(campaign=campaign, kind=Task.Kind.GOLD).exclude(state=Task.State.WITHDRAWN)
    known: dict[int, list[float]] = {}
    for pk, start in golds.values_list("track_id", "start"):
        known.setdefault(pk, []).append(start)
    for use in (Track.Use.POOL, Track.Use.REPLAY):
        tracks = with_stems.filter(use=use)
        clips = [(track, clip) for track in tracks for clip in _clips(campaign, track, lengths)]
        found = [(track, clip) for track, clip in clips if all(abs(clip.start - start) > MOVES + 1e-6 for start in known.get(track.pk, []))]
        yield from sorted(found, key=lambda one: drawn(campaign.seed, one[0].fingerprint, one[1].start))


def _clips(campaign: Campaign, track: Track, lengths: Sequence[float]) -> list[Region]:
    """Clips half a clip beside those of the pool, or the only one that a short song has; each as long as one of the pool."""
    usual = campaign.clip_seconds

    def fitting(start: float) -> list[Region]:
        own = [length for length in lengths if start + length <= track.duration + 1e-6]
        turn = int(drawn(campaign.seed, track.fingerprint, start, "length")[:8], 16)
        return [Region(start, min(start + own[turn % len(own)], track.duration))] if own else []

    beside = [clip for n in range(int(track.duration // usual)) for clip in fitting((n + 0.5) * usual)]
    return beside or fitting(0.0)


def drawn(*what: object) -> str:
    return hashlib.sha256(":".join(map(str, what)).encode()).hexdigest()


def _made(
    campaign: Campaign, track: Track, clip: Region, level: leak.Level | None, rng: np.random.Generator, separate: Separate
) -> Gold | None:
    """One gold clip, its sound stored; None where nothing can leak in it. Raises `UnusableTrack`."""
    with blamed(track, "No gold clip can be made of it"):
        mixed = _mixed(campaign, track, clip, level, rng, separate)
    if mixed is None:
        return None
    # As its mixture, it may be over full scale, which FLAC would clip. Made in memory: libsndfile cannot say that a disk is full.
    over = float(np.abs(mixed.sound).max(initial=0.0)) > 1.0
    kind, subtype, suffix = ("WAV", "FLOAT", ".wav") if over else ("FLAC", "PCM_16", ".flac")
    file = io.BytesIO()
    soundfile.write(file, mixed.sound.T, mixed.sample_rate, format=kind, subtype=subtype)
    return Gold(track, mixed.clip, mixed.regions, mixed.level, storage.keep(file.getvalue(), suffix))


@dataclass(frozen=True)
class _Mixed:
    """The sound of a gold clip, (channels, samples), and what leaks in it, in track seconds."""

    clip: Region
    sound: leak.Samples
    sample_rate: int
    regions: list[Region]
    level: leak.Level | None


def _mixed(
    campaign: Campaign, track: Track, clip: Region, level: leak.Level | None, rng: np.random.Generator, separate: Separate
) -> _Mixed | None:
    """What a gold clip sounds like, moved so that it begins and ends between phrases where it can; None where nothing can leak in it.

    It is the separator's own output. Where nobody sings, what can be heard of it is leak by the stems' word: it is what is to be marked.
    Where there is hardly any, what little the separator left is made louder. Everything else outside the singing is turned down until
    nobody would mark it.
    """
    whole, rate = _read(track, campaign.stem)
    sung, sung_level = leak.sung(whole, rate)
    clip = leak.between_phrases(clip, sung, track.duration, MOVES)
    context = Region(max(0.0, clip.start - CONTEXT), min(track.duration, clip.end + CONTEXT))
    vocals = _cut(whole, context, rate)
    mixture, mix_rate = _read(track, "mixture", context)
    if mix_rate != rate or mixture.shape[0] != vocals.shape[0] or sung_level < leak.SILENCE_DBFS:
        return None
    n = min(vocals.shape[1], mixture.shape[1])
    vocals, mixture = vocals[:, :n], mixture[:, :n]
    part, sung = shift([clip], -context.start)[0], clamp(shift(sung, -context.start), (0.0, n / rate))
    estimate = separate(mixture, rate)
    sung_level += max(-VOICE_LOST_DB, leak.level_of(estimate, sung, rate) - leak.level_of(vocals, sung, rate))
    left = sung_level + rng.uniform(*LEFT_DB)
    spans = leak.own_leaks(estimate, subtract([part], sung), rate, sung_level)
    if total(spans) < OWN_LEAK:
        rests = leak.rests(sung, part, SHORTEST_REST)
        drawn = [leak.draw_spans(rests, MOST_SPANS, rng) for _ in range(DRAWS if level else 0)]
        spans = max(drawn, key=lambda one: leak.level_of(estimate, one, rate), default=[])
        if level and not spans:
            return None
    heard = leak.with_quiet_rests(estimate, merge([*sung, *spans]), rate, left)
    if spans:
        wanted = sung_level + (level or leak.LEVELS[-1]).db
        try:
            heard, loud = leak.boost_residual(heard, estimate, mixture, rate, spans, wanted, rng)
        except leak.NothingLeaks:
            return None
        level = min(leak.LEVELS, key=lambda one: abs(one.db - (loud - sung_level)))
    return _Mixed(clip, _cut(heard, part, rate), rate, clamp(shift(spans, context.start), clip), level)


def _read(track: Track, stem: str, part: Region | None = None) -> tuple[leak.Samples, int]:
    file = storage.intact(Stem.objects.get(track=track, name=stem).file)
    samples, rate = sounds.read(file) if part is None else sounds.read(file, part.start, part.end)
    return np.ascontiguousarray(samples.T), rate


def _cut(samples: leak.Samples, part: Region, rate: int) -> leak.Samples:
    return samples[:, round(part.start * rate) : round(part.end * rate)]
