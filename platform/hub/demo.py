"""The demo's campaign: people, a base checkpoint, and songs, generated or from a folder."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from django.db import transaction

from annotation import services as annotating
from annotation.models import Campaign, Membership, Track
from hub.accounts.models import User

N_SIMULATED = 12
PEOPLE = (("owner", Membership.Role.OWNER), ("reviewer", Membership.Role.REVIEWER), ("annotator", Membership.Role.ANNOTATOR))
FIRST_SEED, SEEDS_PER_RUN = 20_000, 1000  # of generated songs: no run shares songs with another, nor with the base's training
SPLIT = "unbleed-57"  # changing it would move songs between pool, gate and test

Say = Callable[[int, int], None]


class BadRoles(ValueError):
    """roles.json must map each song's name to pool, replay, validation, gate or test."""


@dataclass(frozen=True)
class Batch:
    """Generated songs of one use."""

    use: str
    domain: Literal["source", "target"]
    first_seed: int
    n: int
    duration: float  # seconds


def batches(seed: int) -> list[Batch]:
    """What is generated for a demo."""
    from learner.core.teaching import train

    first = FIRST_SEED + SEEDS_PER_RUN * seed
    replay = [Batch("replay", "source", run.start, len(run), train.BASE_DURATION) for run in _runs(train.BASE_SEEDS)]
    source = [
        Batch("validation", "source", first, 12, 15.0),
        Batch("gate", "source", first + 100, 6, 20.0),
        Batch("test", "source", first + 200, 8, 20.0),
    ]
    target = [
        Batch("pool", "target", first, 12, 30.0),
        Batch("gate", "target", first + 100, 4, 30.0),
        Batch("test", "target", first + 200, 6, 30.0),
    ]
    return replay + source + target


def _runs(seeds: Sequence[int]) -> list[range]:
    """Seeds as unbroken runs."""
    runs: list[range] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1].stop:
            runs[-1] = range(runs[-1].start, seed + 1)
        else:
            runs.append(range(seed, seed + 1))
    return runs


@transaction.atomic
def create_campaign(seed: int, slug: str) -> tuple[Campaign, dict[str, str]]:
    """Make the campaign and its people; returns it and the passwords of those who are new (they are kept nowhere)."""
    passwords: dict[str, str] = {}
    users = {name: _user(name, passwords) for name, _ in PEOPLE}
    # With all that a campaign can have for its people, so that whoever looks at the demo sees it.
    shown = {"onboarding": True, "gold_share": 0.1, "leaderboard": True}
    campaign = annotating.create_campaign(name="Demo", slug=slug, seed=seed, owner=users["owner"], max_rounds=1, **shown)
    for name, role in PEOPLE[1:]:
        annotating.add_member(campaign=campaign, user=users[name], role=role, pseudonym=name)
    from learner.simulated import invite_simulated

    invite_simulated(campaign=campaign, n=N_SIMULATED, seed=seed)
    return campaign, passwords


def _user(name: str, passwords: dict[str, str]) -> User:
    user, new = User.objects.get_or_create(username=name, defaults={"is_staff": name == "owner", "is_superuser": name == "owner"})
    if new:
        passwords[name] = secrets.token_urlsafe(9)
        user.set_password(passwords[name])
        user.save()
    return user


def share_base(campaign: Campaign, name: str, say: Say) -> None:
    """Give the campaign a base, fetched where it is not there, unless it has one. Raises `NotFetched`, saying what to do."""
    from learner import bases, services
    from learner.models import SharedModel

    if not SharedModel.objects.filter(campaign=campaign).exists():
        services.share_file(campaign=campaign, file=bases.base_file(name, campaign.stem, lambda done, total, _: say(done, total)))


def open_own_songs(campaign: Campaign, name: str) -> None:
    """Let the demo's people bring songs of their own, which begin with this base."""
    from learner import bases
    from learner.services import own_songs

    template = own_songs.open_to_members(file=bases.base_file(name))
    there = template.memberships.values("user")
    for member in campaign.memberships.exclude(user=None).exclude(user__in=there):
        annotating.add_member(campaign=template, user=member.user, role=member.role, pseudonym=member.pseudonym)


def generate(campaign: Campaign, wanted: Sequence[Batch], say: Say) -> None:
    """Generate songs on all cores and take them in. Songs that are there already are not generated again."""
    from learner.core.songs import synth
    from learner.ingest import ingest

    lacking = [batch for batch in wanted if len(_there(campaign, batch)) < batch.n]
    total, done = sum(batch.n for batch in lacking), 0
    # Fresh processes, which know nothing of Django: a fork of this one would share its database connection.
    with TemporaryDirectory() as scratch, ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        pending = {}
        for batch in lacking:
            folder = Path(scratch) / f"{batch.use}-{batch.domain}-{batch.first_seed}"
            folder.mkdir()
            for seed in range(batch.first_seed, batch.first_seed + batch.n):
                pending[pool.submit(synth.write_songs, folder, batch.domain, [seed], batch.duration)] = batch, folder
        left = {id(batch): batch.n for batch in lacking}
        for written in as_completed(pending):
            written.result()
            batch, folder = pending[written]
            left[id(batch)] -= 1
            done += 1
            if left[id(batch)] == 0:
                outcome = ingest(campaign=campaign, folder=folder, use=batch.use, domain=batch.domain, licence="CC0-1.0")
                if outcome.bad:
                    raise RuntimeError(f"A generated song was refused: {outcome.bad[0].path}: {outcome.bad[0].reason}")
            say(done, total)


def _there(campaign: Campaign, batch: Batch) -> set[str]:
    names = {f"{batch.domain}-{seed}" for seed in range(batch.first_seed, batch.first_seed + batch.n)}
    return set(Track.objects.filter(campaign=campaign, use=batch.use, name__in=names).values_list("name", flat=True))


def counted(campaign: Campaign) -> str:
    """How many tracks there are for each use, in words."""
    uses = Counter(campaign.tracks.order_by("use").values_list("use", flat=True))
    return ", ".join(f"{n} {use}" for use, n in uses.items())


def roles_of(folder: Path, names: list[str], with_stems: list[str]) -> dict[str, str]:
    file = folder / "roles.json"
    if not file.exists():
        return split(names, with_stems)
    try:
        roles = json.loads(file.read_text())
    except ValueError as error:
        raise BadRoles(f"{file} is not JSON: {error}. {BadRoles.__doc__}") from error
    if not isinstance(roles, dict) or not all(role in Track.Use.values for role in roles.values()):
        raise BadRoles(f"{file}: {BadRoles.__doc__}")
    if unknown := sorted(set(roles) - set(names)):
        raise BadRoles(f"{file} names songs that are not in the folder: {', '.join(unknown)}. There are: {', '.join(names)}.")
    return roles


def split(names: list[str], with_stems: list[str]) -> dict[str, str]:
    """One song in five for the gate, one in five for the test (at least one each, with stems), the rest for the pool.

    Depends on the names alone, so that a song held out once is held out always. Raises `BadRoles` when there are too few.
    """
    if len(with_stems) < 3:
        raise BadRoles(f"At least three songs with stems are needed (for the pool, the gate and the test); there are {len(with_stems)}.")
    drawn = sorted(with_stems, key=lambda name: hashlib.sha256(f"{SPLIT}:{name}".encode()).hexdigest())
    n = max(1, len(drawn) // 5)
    held_out = dict.fromkeys(drawn[:n], "gate") | dict.fromkeys(drawn[n : 2 * n], "test")
    return {name: held_out.get(name, "pool") for name in names}
