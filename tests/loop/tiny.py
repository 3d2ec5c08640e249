"""A campaign of a few hundred kilobytes: songs of tones at 4 kHz, and a U-Net with a few thousand weights that has learned nothing.

Stands by itself, and asks of the product only what it has done from the beginning: earlier versions make their homes with it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile

SLUG = "tiny"
RATE = 4_000  # Hz
CLIP, SHORT = 10.0, 5.0  # seconds
SONGS = (
    ("pool", "target", 2, CLIP),
    ("replay", "source", 2, SHORT),
    ("validation", "source", 1, SHORT),
    ("gate", "target", 1, SHORT),
    ("gate", "source", 1, SHORT),
)
KEEN = {"sensitivity": 1.0, "over_marking": 0.0, "lag": 0.1, "jitter": 0.05, "spam": None}
"""Habits of people who miss nothing."""


def make(*, steps: int = 6, **rules: Any) -> None:
    """Make the campaign with "owner", "ann" and four simulated people; the clock starts its first round."""
    import torch

    from annotation import services as annotating
    from annotation.models import Membership
    from hub.accounts.models import User
    from learner import services
    from learner.core import checkpoint
    from learner.core.separators import build
    from learner.ingest import ingest

    try:
        from learner.simulated import invite_simulated
    except ImportError:  # before December 2026
        from learner.people import invite_simulated  # type: ignore[import-not-found, no-redef]

    owner, ann = (User.objects.create_user(name) for name in ("owner", "ann"))
    recipe = {"steps": steps, "keep_every": steps // 2, "new_patches": 1, "replay_patches": 1, "n_frames": 16}
    settings = {"clip_seconds": CLIP, "clips_per_round": 1, "recipe": recipe, "paused": True, "seed": 3, **rules}
    campaign = annotating.create_campaign(name="Tiny", slug=SLUG, owner=owner, **settings)
    annotating.add_member(campaign=campaign, user=ann, role=Membership.Role.ANNOTATOR, pseudonym="ann")
    invite_simulated(campaign=campaign, n=4, spam_share=0.0, seed=3)
    campaign.memberships.filter(kind=Membership.Kind.SIMULATED).update(habits=KEEN)
    with TemporaryDirectory() as scratch:
        number = 0
        for use, domain, n, duration in SONGS:
            folder = Path(scratch) / f"{use}-{domain}"
            for _ in range(n):
                write_song(folder / f"song {number}", number, duration)
                number += 1
            assert not ingest(campaign=campaign, folder=folder, use=use, domain=domain).bad
        torch.manual_seed(3)
        untrained = build("unet", {"sample_rate": RATE, "channels": 1, "stem": "vocals", "widths": [4, 8, 8, 8], "dropout": 0.5})
        file = checkpoint.save(untrained, Path(scratch), recipe={}, parent=None).path
        if hasattr(services, "share_file"):
            services.share_file(campaign=campaign, file=file)
        else:  # before the end of November 2026
            services.share(campaign=campaign, checkpoint=services.keep_checkpoint(file=file))
    annotating.resume_rounds(campaign=campaign)


def write_song(folder: Path, number: int, duration: float) -> None:
    """Write a song's three stems, coarse so that they are small: a voice that sings and rests by turns, over two notes."""
    seconds = np.arange(round(RATE * duration)) / RATE
    note = 220 * 2 ** (number / 12)
    at = seconds + number / 3
    voice = (at % 4 < 2) * np.minimum(1, 8 * (at % 2)) * np.sin(2 * np.pi * note * seconds + 2 * np.sin(2 * np.pi * 5 * seconds))
    band = 0.5 * np.sin(2 * np.pi * 1.5 * note * seconds) + 0.5 * np.sin(2 * np.pi * 0.75 * note * seconds)
    vocals, accompaniment = (np.round(0.3 * 64 * part) / 64 for part in (voice, band))
    folder.mkdir(parents=True)
    for name, samples in (("vocals", vocals), ("accompaniment", accompaniment), ("mixture", vocals + accompaniment)):
        soundfile.write(folder / f"{name}.flac", samples, RATE, subtype="PCM_16")


def begin_an_answer(pseudonym: str = "ann") -> None:
    """Let a person take a clip and keep a draft of it."""
    from annotation import services
    from annotation.models import Membership

    by = Membership.objects.get(campaign__slug=SLUG, pseudonym=pseudonym)
    assignment = services.assign_task(by=by)
    assert assignment
    services.save_draft(task=assignment.task, by=by, result=[])
