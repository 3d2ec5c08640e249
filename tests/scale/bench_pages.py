"""Every page of a campaign that has run for long: `make bench-pages`, or `python -m tests.scale.bench_pages --help`.

Fills a campaign by COPY on a database of its own (1,000 people, 100,000 clips, 1,000,000 marks, 30 rounds, 100,000 tracks), and asks
for every page, table and file of the site's URL configuration by the person whom it is for: milliseconds (p50, p95), questions to the
database, kilobytes. A page with more than a second (p95) or more than 15 questions is a fault, and ends this with 1. Of what is sent
as it is made (tables of a whole campaign) the second is that until the first byte; seconds to the last one are said beside.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

SECONDS, QUESTIONS = 1.0, 15
SIGNED_OUT = "for whoever is signed out: it leads others on"
OWN = "of a campaign of one person's own song, which is small"
SECOND = "of whoever has a second factor"
SENT = "of a song that somebody had separated, as those of tracks"
PROGRAMS = ("ls-", "ml-", "v1-")
"""How names of routes begin that programs ask with a token or a secret: measured where a signed-in browser gets something there."""
BY_A_WORKER = "a file that a worker makes with a model"
NOT_MEASURED = {
    **dict.fromkeys(("sign-in", "account_login", "register", "registered", "mfa_authenticate", "first-admin", "invitation"), SIGNED_OUT),
    **dict.fromkeys(("openid_connect_login", "openid_connect_callback", "socialaccount_login_error"), "needs a provider of accounts"),
    **dict.fromkeys(("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"), "leads on whoever has just done it"),
    **dict.fromkeys(("mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_remove_webauthn"), SECOND),
    **dict.fromkeys(("own-songs", "own-song", "remove-own-song", "own-song-labels", "own-song-file"), OWN),
    **dict.fromkeys(("changed-sound", "task-effect", "tried-sound"), BY_A_WORKER),
    **dict.fromkeys(("sent-song", "sent-file", "sent-differences", "sent-sound", "sent-shape", "sent-part", "sent-picture"), SENT),
    **dict.fromkeys(("sent-download", "separate-again", "remove-sent-song"), SENT),
    "clip-for-a-while": "of programs, by an address that holds for a while",
    **dict.fromkeys(("export-file", "written-checkpoint"), BY_A_WORKER),
    "account_set_password": "for whoever has none",
    "webhook": "a log of 30 days; its own test counts its questions",
    "language": "leads back",
    "join": "of a panel: it leads on",
    "follow-notice": "leads on",
    "first-visit": "leads on",
    "practice": "leads on whoever has done it",
    "preview-sound": "a sound of the first visit: `first-visit-sound`",
    "finished": "the campaign goes on",
}
"""Routes that answer a GET and are not measured -> why not. `test_filling.py` fails for a route that is neither here nor measured."""


class Got(NamedTuple):
    """What an answer was."""

    questions: int
    size: int  # bytes
    is_page: bool  # no table or file, nor what is sent as it is made: those may ask the database for part after part
    whole: float | None  # seconds until the last byte, of what is sent as it is made


@dataclass(frozen=True)
class Measured:
    """One page as one person saw it."""

    name: str
    who: str
    took: list[float]  # seconds of each request
    got: Got

    @property
    def p95(self) -> float:
        return sorted(self.took)[min(len(self.took) - 1, int(0.95 * len(self.took)))]

    @property
    def fails(self) -> bool:
        return self.p95 > SECONDS or self.many

    @property
    def many(self) -> bool:
        return self.got.is_page and self.got.questions > QUESTIONS

    def __str__(self) -> str:
        p50 = sorted(self.took)[len(self.took) // 2]
        fault = "  <-- too slow" if self.p95 > SECONDS else ""
        fault += "  <-- too many questions" if self.many else ""
        took = f"{1000 * p50:>7.0f} {1000 * self.p95:>7.0f}"
        whole = f"  {self.got.whole:.1f} s in all" if self.got.whole is not None else ""
        return f"{self.name:<34} {self.who:<9} {took} {self.got.questions:>4} {self.got.size / 1024:>8.0f}{whole}{fault}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20, help="of each page, or as many as 15 s allow")
    parser.add_argument("--only", nargs="*", default=[], help="names of routes")
    parser.add_argument("--small", action="store_true", help="a hundredth of everything, to see that this runs")
    parser.add_argument("--home", type=Path, help="a folder whose data are filled once and kept (default: one that is thrown away)")
    arguments = parser.parse_args()
    home = arguments.home or Path(tempfile.mkdtemp(prefix="unbleed pages "))
    for name in ("DATABASE_URL", "BROKER_URL", "WEB_THREADS"):
        os.environ.pop(name, None)
    os.environ |= {"UNBLEED_HOME": str(home), "DJANGO_SETTINGS_MODULE": "hub.settings", "DATABASE_STATEMENT_SECONDS": "0"}
    import django

    django.setup()
    from hub import postgres

    server = postgres.Server()
    server.start()
    try:
        return _bench(arguments)
    finally:
        from django.db import connections

        connections.close_all()
        server.stop()
        if not arguments.home:
            shutil.rmtree(home, ignore_errors=True)


def _bench(arguments: argparse.Namespace) -> int:
    from django.conf import settings
    from django.core.management import call_command

    from annotation.models import Campaign
    from tests.scale.filling import Size, fill

    settings.ALLOWED_HOSTS = ["*"]
    logging.disable(logging.WARNING)  # that a route is not for GET is no news here
    call_command("migrate", verbosity=0)
    if not Campaign.objects.filter(slug="crowded").exists():
        began = time.monotonic()
        size = Size(people=10, tasks=1_000, marks=10_000, rounds=5, tracks=1_000) if arguments.small else Size()
        fill(size, lambda words: print(words, flush=True))
        print(f"filled in {time.monotonic() - began:.0f} s\n")
    campaign = Campaign.objects.get(slug="crowded")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'page':<34} {'who':<9} {'p50 ms':>7} {'p95 ms':>7} {'SQL':>4} {'KiB':>8}")
    measured, left_out = [], []
    for name, who, url in pages(campaign):
        if arguments.only and name not in arguments.only:
            continue
        found = _measure(name, who, url, arguments.requests)
        if isinstance(found, str):
            left_out.append(f"{name} ({found})")
        else:
            measured.append(found)
            print(found, flush=True)
    faults = [one for one in measured if one.fails]
    print(f"\nload {os.getloadavg()[0]:.1f}; not got, or not here: {', '.join(left_out)}")
    print(f"{len(measured)} pages, {len(faults)} of them above {SECONDS:g} s or {QUESTIONS} questions")
    return 1 if faults or not measured else 0


def pages(campaign: Any) -> list[tuple[str, str, str]]:
    """Name, person and address of everything that can be got: each route by its keys, sections and lists of the admin with them."""
    from django.contrib import admin
    from django.urls import NoReverseMatch, reverse

    from annotation.models import (
        Invitation,
        Link,
        ListeningClip,
        ListeningTest,
        Membership,
        Note,
        Participation,
        Pause,
        Submission,
        Task,
        ToldSound,
    )
    from hub.pages.campaigns import SECTIONS
    from learner.models import Checkpoint, DataImport, Export, Intake, Job, JudgedSong, Round, Upload, UploadedBase
    from tests.hub.addresses import SPECIAL, keys_of, routes
    from tests.hub.test_permissions import ANNOTATOR, MANAGER, OF_ONE_PERSON, OWNER, RESEARCHER, REVIEWER, RULES, SEES_PEOPLE, SITE

    p0 = Membership.objects.get(campaign=campaign, pseudonym="p0")
    task = Task.objects.filter(submissions__by=p0).latest("pk")
    waits = Task.objects.filter(campaign=campaign, state=Task.State.IN_REVIEW).first()
    test = ListeningTest.objects.exclude(ended=None).latest("pk")
    named = {
        "slug": campaign.slug, "number": Round.objects.latest("number").number, "task_id": task.pk, "member_id": p0.pk,
        "submission_id": Submission.objects.filter(by=p0, task__state="closed").earliest("pk").pk, "track_id": task.track_id,
        "note_id": Note.objects.latest("pk").pk, "digest": Checkpoint.objects.latest("pk").hash,
        "name": "state", "job_id": Job.objects.latest("pk").pk, "n": 1, "which": "vocals", "sound": "mixture", "stem": "vocals",
        "token": Link.objects.latest("pk").token, "clip_id": ListeningClip.objects.filter(test__ended=None).latest("pk").pk,
        "song_id": JudgedSong.objects.latest("pk").pk, "test_id": test.pk,
    }  # fmt: skip
    rows: dict[str, Any] = {"intake": Intake, "upload": Upload, "base": UploadedBase, "pause": Pause, "participation": Participation}
    for one, model in (rows | {"invitation": Invitation, "sound": ToldSound, "export": Export, "import": DataImport, "link": Link}).items():
        named[f"{one}_id"] = model.objects.latest("pk").pk
    assert isinstance(named["number"], int)
    found: list[tuple[str, str, str]] = []
    for route, name in routes():
        if name is None or name in NOT_MEASURED:
            continue
        about = named | SPECIAL.get(name, {}) | ({"task_id": waits.pk} if waits and ("review" in name or "comment" in name) else {})
        if name == "track-differences":
            about |= {"before": test.other, "after": test.checkpoint}
        try:
            url = reverse(name, kwargs={key: about.get(key, 1) for key in keys_of(route)})
        except NoReverseMatch:
            continue
        least = RULES.get(name, ANNOTATOR)
        alone = (REVIEWER, RESEARCHER, SEES_PEOPLE, MANAGER, OWNER)
        people = ["site"] if least == SITE else ["owner"] if least in alone else ["owner", "p0"]
        url += f"?seen={test.checkpoint}" if name == "roll-back" else ""
        found += [(name, who, url) for who in (["p0"] if name in OF_ONE_PERSON else people)]
    for name in ("round", "round-clips"):  # of one that was frozen, with an answer to every clip
        frozen = reverse(name, args=[campaign.slug, named["number"] - 1])
        found += [(f"{name}, frozen", who, frozen) for who in ("owner", "p0")]
    open_ = ListeningTest.objects.filter(campaign=campaign, ended=None).latest("pk").pk
    found += [("listen", who, reverse("listen", args=[campaign.slug, open_])) for who in ("owner", "p0")]
    found += [(f"section {name}", "owner", reverse("campaign-section", args=[campaign.slug, name])) for name in SECTIONS]
    found += [
        (f"admin {model._meta.model_name}", "site", reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        for model in admin.site._registry
    ]
    return found


def _measure(name: str, who: str, url: str, requests: int) -> Measured | str:
    """What a page costs, or in words why it is none."""
    client = client_of(who)
    first = questions_of(client, url)
    if isinstance(first, str):
        return first
    took: list[float] = []
    until = time.monotonic() + 15
    while len(took) < requests and (not took or time.monotonic() < until):
        began = time.perf_counter()
        answer = client.get(url)
        next(iter(answer), None)
        took.append(time.perf_counter() - began)
        answer.close()
    return Measured(name, who, took, first)


def client_of(who: str) -> Any:
    """A browser of this person; `site`: of somebody who administers the site."""
    from django.test import Client

    from hub.accounts.models import User

    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(username=who))
    session = client.session  # with a password just now, as the pages of an account ask for
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
    return client


def questions_of(client: Any, url: str) -> Got | str:
    """What is got, or the status in words where it is nothing."""
    from django.db import connection
    from django.http import FileResponse
    from django.test.utils import CaptureQueriesContext

    began = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)
        if answer.status_code != 200:
            answer.close()
            return str(answer.status_code)
        size = sum(map(len, answer))
        answer.close()
    streams = answer.streaming and not isinstance(answer, FileResponse)
    is_page = not streams and answer["Content-Type"].startswith(("text/html", "application/json"))
    return Got(len(captured), size, is_page, time.perf_counter() - began if streams else None)


if __name__ == "__main__":
    sys.exit(main())
