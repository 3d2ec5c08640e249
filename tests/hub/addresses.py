"""Every route of the site, and rows that their addresses name."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, get_resolver, reverse
from django.utils.timezone import now

from annotation.core.panels import Visit
from annotation.files import storage
from annotation.models import Assignment, Campaign, Estimate, ListeningClip, ListeningTest, Membership, Pause, Task
from annotation.services import crowd_links, invitations, told_sounds
from annotation.services.notes import write_note
from hub.api.webhooks.models import Webhook
from learner.models import Checkpoint, Export, Job
from learner.services import exports, imports, intakes, uploaded_bases
from tests import worlds
from tests.hub import rounds

SPECIAL = {
    "first-visit-step": {"name": "consent"},
    "first-visit-sound": {"name": "practice-1-mix"},
    "first-visit-picture": {"name": "practice-1"},
    "account_reset_password_from_key": {"uidb36": "1", "key": "no-key"},
    "account_confirm_email": {"key": "no-key"},
    "openid_connect_login": {"provider_id": "provider"},
    "openid_connect_callback": {"provider_id": "provider"},
    "track-differences": {"before": "a", "after": "b"},
    "listening-sound": {"side": "a"},
    "written-checkpoint": {"format": "onnx"},
    "crowd-clips": {"kind": "missed"},
    "judged-sound": {"which": "mix"},
}
"""Route -> what stands in its address, where that is not what stands in others'."""


def address(name: str, named: dict[str, Any]) -> str:
    """The route's address with what this campaign has."""
    keys = keys_of(next(route for route, known in routes() if known == name))
    return reverse(name, kwargs={key: (named | SPECIAL.get(name, {}))[key] for key in keys})


def routes(patterns: Any = None, before: str = "") -> Iterator[tuple[str, str | None]]:
    """Each route with its name; those of Django's own admin have rights of their own."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(one, URLPattern):
            yield before + str(one.pattern), one.name
        elif str(one.pattern) != "admin/":
            yield from routes(one.url_patterns, before + str(one.pattern))


def keys_of(route: str) -> set[str]:
    return set(re.findall(r"<(?:\w+:)?(\w+)>", route))


ROLES = ("annotator", "reviewer", "researcher", "manager", "owner")


def world(home: Path) -> Campaign:
    """A campaign with everything that an address can name: a round with a given clip, a pause, a link, an intake; somebody of each role.

    `home` is the settings' HOME.
    """
    campaign = rounds.campaign()
    Campaign.objects.filter(pk=campaign.pk).update(leaderboard=True)
    rounds.listening(campaign)
    file = home / "weights.safetensors"
    file.write_bytes(b"weights")
    Checkpoint.objects.update(file=storage.keep(file, ".safetensors"))
    Estimate.objects.all().delete()  # there is no sound behind them
    for role in ROLES:
        worlds.member(campaign, role, role)
    worlds.member(worlds.campaign("other"), "stranger", "owner")
    return campaign


def names_in(campaign: Campaign) -> dict[str, Any]:
    """What stands in addresses."""
    people = {str(one.pseudonym): one for one in campaign.memberships.all()}
    task = Task.objects.order_by("pk")[0]
    for role in ROLES:
        Assignment.objects.create(task=task, by=people[role], lease_until=now() + timedelta(hours=1))
    compared = ListeningTest.objects.create(campaign=campaign, checkpoint="a" * 64, other="b" * 64, drawn=True, seed=1)
    listening = ListeningClip.objects.create(test=compared, track=task.track, start=0.0, end=10.0)
    compared.ended = now()
    compared.save()
    webhook = Webhook.objects.create(campaign=campaign, url="https://1.1.1.1/", events=["task.closed"], nonce="n")
    delivery = webhook.deliveries.create(what="test", tried=now())
    return made(campaign, by=people["annotator"], who=people["manager"], task=task) | {
        "project_id": campaign.pk,
        "slug": campaign.slug,
        "number": 1,
        "task_id": task.pk,
        "member_id": people["annotator"].pk,
        "job_id": Job.objects.latest("pk").pk,
        "track_id": task.track_id,
        "n": 1,
        "digest": Checkpoint.objects.get().hash,
        "which": "vocals",
        "name": "state",
        "sound": "mixture",
        "song_id": 1,
        "test_id": compared.pk,
        "clip_id": listening.pk,
        "stem": "vocals",
        "secret": "no-secret",
        "signed": "7.vocals.a.b",
        "webhook_id": webhook.pk,
        "delivery_id": delivery.pk,
        "view_id": 1,
    }


def made(campaign: Campaign, *, by: Membership, who: Membership, task: Task) -> dict[str, Any]:
    """Rows that addresses name, a few of each kind: about an annotator `by`, made by `who`, a manager. Key of addresses -> value."""
    pause = Pause.objects.create(membership=by, score=0.2, wanted=0.5, n_answers=8)
    note = write_note(task=task, by=by, text="What is this?", client_key=uuid4())
    link = crowd_links.create_link(campaign=campaign, who=who, kind="prolific", tasks_asked=5, max_uses=5)
    visit = Visit("5f" * 12, "5e" * 12, "5d" * 12)
    participation = crowd_links.enter_from_panel(link=link, visit=visit, came_from="abcd1234")
    told = told_sounds.add_sound(campaign=campaign, name="breath", file=worlds.flac(np.full((1600, 1), 0.1)), suffix=".flac", who=who)
    invitation, _ = invitations.invite(campaign=campaign, who=who, role="reviewer")
    intake = intakes.begin_intake(who=who, use="pool", domain="target")
    brought = imports.begin_import(who=who, files=[SimpleUploadedFile("song.txt", b"1\t2\tx\n")], kept_as="answers")
    upload = intakes.begin_upload(intake=intake, path="song.wav", size=10)
    export = exports.ask_export(who=who, wanted=Export(format=Export.Format.JAMS))
    base = uploaded_bases.begin_base(who=who, name="ours", licence="MIT")
    return {
        "pause_id": pause.pk,
        "note_id": note.pk,
        "link_id": link.pk,
        "token": link.token,
        "participation_id": participation.pk,
        "sound_id": told.pk,
        "invitation_id": invitation.pk,
        "intake_id": intake.pk,
        "upload_id": upload.pk,
        "import_id": brought.pk,
        "base_id": base.pk,
        "export_id": export.pk,
    }
