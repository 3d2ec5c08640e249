"""A campaign for one annotator, made in the product's database: two tones as song, clips of them as tasks."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

RATE, DURATION = 16_000, 40.0
CHECKPOINT = "c" * 64


def set_up(slug: str, n: int, clip: tuple[float, float]) -> None:
    """Make the campaign, "ann" in it, and `n` tracks with one open clip each."""
    from annotation import services
    from hub.accounts.models import User

    campaign = services.create_campaign(name=slug, slug=slug, min_overlap=3, max_overlap=5, instructions="Breath is voice.")
    ann, _ = User.objects.get_or_create(username="ann")
    services.add_member(campaign=campaign, user=ann, role="annotator", pseudonym="ann")
    for _ in range(n):
        open_more(slug, clip)


def open_more(slug: str, clip: tuple[float, float]) -> None:
    """Add a track with an estimate, and open one clip of it."""
    from annotation import services
    from annotation.files.storage import keep
    from annotation.models import Campaign, Stem, Task, Track

    campaign = Campaign.objects.get(slug=slug)
    number = campaign.tracks.count()
    seconds = np.arange(int(RATE * DURATION)) / RATE
    voice = 0.3 * np.sin(2 * np.pi * (200 + 20 * number) * seconds) * (seconds % 4 < 2)
    bleed = 0.1 * np.sin(2 * np.pi * 660 * seconds)
    track = Track.objects.create(
        campaign=campaign, name=f"song {number}", use="pool", domain="target", duration=DURATION, sample_rate=RATE, channels=1,
        fingerprint=f"{slug}-{number}",
    )  # fmt: skip
    with TemporaryDirectory() as scratch:
        mix, vocals = Path(scratch) / "mix.flac", Path(scratch) / "vocals.flac"
        soundfile.write(mix, (voice + 4 * bleed).astype(np.float32), RATE)
        soundfile.write(vocals, (voice + bleed).astype(np.float32), RATE)
        Stem.objects.create(track=track, name="mixture", file=keep(mix, ".flac"))
        services.keep_estimate(track=track, stem="vocals", checkpoint=CHECKPOINT, file=vocals)
    clips = [services.Clip(track=track, start=clip[0], end=clip[1], arm=Task.Arm.RANDOM, chance=1.0, reason="for a test")]
    services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=clips)
