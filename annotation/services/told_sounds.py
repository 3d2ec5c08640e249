"""Sounds of the instructions: taken in, copied with a campaign's text, and taken away."""

from __future__ import annotations

import tempfile
from http import HTTPStatus
from pathlib import Path

from django.db import transaction
from django.utils.text import slugify

from annotation.core import markdown
from annotation.core.errors import DomainError
from annotation.events import record
from annotation.files import previews, sounds
from annotation.models import Campaign, Membership, ToldSound

LONGEST = 60.0  # seconds
MOST = 20  # of one campaign


class NoSuchSound(DomainError):
    """This sound cannot be taken in."""

    status = HTTPStatus.BAD_REQUEST


class StillPlaced(DomainError):
    """The text still places this sound: take it out of the text first."""


def add_sound(*, campaign: Campaign, name: str, file: bytes, suffix: str, who: Membership) -> ToldSound:
    """Take a sound file in under a name; one of that name gives way. Raises `NoSuchSound`, saying why."""
    name = slugify(name)[:40]
    if not name:
        raise NoSuchSound("Give it a name of small letters, digits or hyphens.")
    ogg, seconds = _read(file, suffix)
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=campaign.pk)
        others = campaign.told_sounds.exclude(name=name)
        if others.count() >= MOST:
            raise NoSuchSound(f"A campaign has {MOST} sounds at most: remove one first.")
        campaign.told_sounds.filter(name=name).delete()
        made = ToldSound.objects.create(campaign=campaign, name=name, ogg=ogg, seconds=seconds)
        record(campaign, "sound.added", who=who, after={"name": name, "seconds": round(seconds, 1)})
    return made


def _read(file: bytes, suffix: str) -> tuple[bytes, float]:
    """The file as Ogg, and its seconds."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as copy:
        copy.write(file)
        copy.flush()
        try:
            samples, rate = sounds.read(Path(copy.name), 0.0, LONGEST + 1)
        except ValueError as error:  # of whatever reads sound
            raise NoSuchSound(str(error)) from error
    seconds = len(samples) / rate
    if seconds > LONGEST:
        raise NoSuchSound(f"It lasts longer than {LONGEST:.0f} s; cut out what is to be heard.")
    return previews.ogg(samples / max(1.0, float(abs(samples).max(initial=0.0))), rate), seconds


@transaction.atomic
def remove_sound(*, sound: ToldSound, who: Membership) -> None:
    """Take a sound away. Raises `StillPlaced`."""
    campaign = Campaign.objects.get(pk=sound.campaign_id)
    if sound.name in (*markdown.sounds_in(campaign.instructions), *markdown.sounds_in(campaign.consent_text)):
        raise StillPlaced
    ToldSound.objects.filter(pk=sound.pk).delete()
    record(campaign, "sound.removed", who=who, after={"name": sound.name})


@transaction.atomic
def copy_sounds(*, source: Campaign, target: Campaign, who: Membership | None = None) -> None:
    """Give a campaign the sounds of the one whose text it took over."""
    copies = [ToldSound(campaign=target, name=one.name, ogg=one.ogg, seconds=one.seconds) for one in source.told_sounds.all()]
    if copies:
        ToldSound.objects.bulk_create(copies)
        record(target, "sound.added", who=who, after={"name": ", ".join(one.name for one in copies)})
