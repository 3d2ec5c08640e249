"""A campaign small enough to turn its loop within a test: real songs (generated), the shipped base, a short recipe."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

STEPS = 12
# People who miss nothing: with three answers in all, one who dreams would leave nothing to learn from.
KEEN = {"sensitivity": 1.0, "over_marking": 0.0, "lag": 0.1, "jitter": 0.05, "spam": None}
SONGS = (
    ("pool", "target", 3, 12.0),
    ("replay", "source", 3, 8.0),
    ("validation", "source", 1, 8.0),
    ("gate", "target", 2, 12.0),
    ("gate", "source", 1, 8.0),
    ("test", "target", 1, 12.0),
    ("test", "source", 1, 8.0),
)


def make(slug: str = "small", *, owner: str = "", annotator: str = "", password: str = "", steps: int = STEPS, **rules: Any) -> None:
    """Make the campaign in the database that Django is set up for; the clock starts its first round."""
    from annotation import services as annotating
    from annotation.models import Membership
    from hub.accounts.models import User
    from learner import services
    from learner.core.songs import synth
    from learner.core.teaching import train
    from learner.ingest import ingest
    from learner.simulated import invite_simulated

    users = {name: User.objects.create_user(name, password=password) for name in {owner, annotator} if name}
    recipe = {
        "steps": steps,
        "keep_every": max(1, steps // 3),
        "new_patches": 2,
        "replay_patches": 2,
        "n_frames": 64,
        "marks_fall_db": 0,  # so few steps learn little
    }
    settings = {"clip_seconds": 12.0, "clips_per_round": 2, "recipe": recipe, "max_rounds": 2, "paused": True, "seed": 3, **rules}
    campaign = annotating.create_campaign(name="Small", slug=slug, owner=users.get(owner), **settings)
    if annotator:
        annotating.add_member(campaign=campaign, user=users[annotator], role=Membership.Role.ANNOTATOR, pseudonym=annotator)
    invite_simulated(campaign=campaign, n=4, spam_share=0.0, seed=3)
    campaign.memberships.filter(kind=Membership.Kind.SIMULATED).update(habits=KEEN)
    with TemporaryDirectory() as scratch:
        for number, (use, domain, n, duration) in enumerate(SONGS):
            folder = Path(scratch) / f"{use}-{domain}"
            folder.mkdir()
            first = 900_000 + 10 * number
            synth.write_songs(folder, domain, range(first, first + n), duration)  # type: ignore[arg-type]
            assert not ingest(campaign=campaign, folder=folder, use=use, domain=domain).bad
    services.share_file(campaign=campaign, file=train.BASE)
    annotating.resume_rounds(campaign=campaign)
