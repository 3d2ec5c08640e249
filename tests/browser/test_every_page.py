"""Whom every page reaches: no serious fault by axe-core on any of them, narrow or wide, light or dark."""

from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import READY, Contexts, until
from tests.browser.conftest import Watch
from tests.browser.reach import serious_faults
from tests.product import Product

pytestmark = pytest.mark.browser

SLUG = "every-page"
SET_UP = f"""
import uuid
import numpy as np
from annotation import services
from annotation.events import record
from annotation.models import Campaign, FirstVisit, ListeningClip, ListeningTest, Membership, Preference, Task
from annotation.services import crowd_links, notes
from annotation.services.listening import end_test
from hub.accounts.models import User
from hub.api.webhooks.models import Webhook
from learner.models import Adaptation, Job, JudgedSong, Round, SentSong
from learner.services import intakes
from tests import worlds
from tests.browser.desk import open_more, set_up
User.objects.create_superuser("head", password="a long enough passphrase")
set_up("every-question", 1, (10.0, 15.0), quick_share=1.0)
set_up({SLUG!r}, 3, (10.0, 22.0), leaderboard=True, tags=["guitar", "drums"], collects_missing=True)
campaign = Campaign.objects.get(slug={SLUG!r})
ann, boss = campaign.memberships.get(user__username="ann"), worlds.member(campaign, "boss", Membership.Role.OWNER)

# An answer that a round learned from, a clip that is in review, and a note on it with its reply.
Campaign.objects.filter(pk=campaign.pk).update(paused=True)  # no round begins by itself
model = worlds.checkpoint("every")
worlds.with_model(campaign, model)
first, middle, last = campaign.tasks.order_by("pk")
mine = worlds.answer(first, ann, (first.start + 2.0, first.start + 4.0))
Task.objects.filter(pk=first.pk).update(state=Task.State.IN_REVIEW, contested=True)
services.edit_review(task=first, by=boss, result=worlds.marks(first, (first.start + 2.2, first.start + 5.0)), note="")
services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
record(campaign, "feedback.frozen", after={{"round": 1}})
Task.objects.filter(pk=last.pk).update(state=Task.State.IN_REVIEW, contested=True)
worlds.answer(middle, ann)
for text in ("What is this?", "And this?"):
    note = notes.write_note(task=middle, by=ann, text=text, client_key=uuid.uuid4())
notes.answer_note(note=note, by=boss, text="A guitar.")
open_more({SLUG!r}, (10.0, 22.0))
scoring = Job.objects.create(campaign=campaign, kind=Job.Kind.SCORE, state=Job.State.DONE)
Round.objects.create(campaign=campaign, number=1, parent=model, scoring=scoring, state=Round.State.ANNOTATING)

# Who came by a link that asks for five clips; who is at the last step of the first visit; who has files to take in.
link = crowd_links.create_link(campaign=campaign, who=boss, kind="invitation")
guest = crowd_links.join_by_invitation(link=link, user=worlds.user("guest"))
Membership.objects.filter(pk=guest.pk).update(tasks_asked=5)
FirstVisit.objects.create(membership=worlds.member(campaign, "new"), consent="given", sound="passed", instructions_version=1)
intake = intakes.begin_intake(who=boss, use="pool", domain="target")

# A song that was sent to be separated, with what came of it.
done = Job.objects.create(campaign=campaign, kind=Job.Kind.SONG, state=Job.State.DONE)
sent = SentSong.objects.create(
    campaign=campaign, who=boss, path="song.wav", size=9, seconds=12.0, checkpoint=model, beside=model, job=done
)
sent.folder.mkdir(parents=True)
for name in SentSong.SOUNDS:
    (sent.folder / (name + ".flac")).write_bytes(worlds.flac(np.full((12 * worlds.RATE, 1), 0.1)))

# A round that the gate refused, with a song that decided.
refused = worlds.ended_round(campaign, worlds.checkpoint("refused", model), "refused", days=0)
known = dict.fromkeys(("false_positive_seconds_per_minute", "false_positives_at_parent_level", "voice_kept_db", "song_sdr"), 1.0)
judged = JudgedSong.objects.create(
    adaptation=refused, track=last.track, kind="gate", figures={{"parent": known, "child": known}}, start=0.0, end=12.0, file="aa/x.flac"
)
Adaptation.objects.filter(pk=refused.pk).update(reasons=["It forgot."], advice=["Hear it."])

# Two checkpoints to compare blind, and a comparison that has ended.
found = last.track.estimates.get()
found.pk, found.checkpoint = None, "d" * 64
found.save()
tests = [
    ListeningTest.objects.create(campaign=campaign, checkpoint=worlds.CHECKPOINT, other="d" * 64, drawn=True, seed=1) for _ in range(2)
]
for test in tests:
    clip = ListeningClip.objects.create(test=test, track=last.track, start=10.0, end=20.0)
Preference.objects.create(clip=clip, by=boss, better="none", was_first=True, heard=dict(a=3.0, b=3.0, mix=0.0))
end_test(test=test, who=boss)

webhook = Webhook.objects.create(campaign=campaign, url="https://lab.example/", events=["task.closed"], nonce="n")
for state, status in (("delivered", 200), ("given up", None), ("waiting", None)):
    webhook.deliveries.create(what="task.closed", state=state, status=status, tried=webhook.made, tries=2, seconds=0.1, said="thanks")
print(webhook.pk, last.pk, last.track_id, mine.pk, intake.pk, judged.pk, link.token, tests[0].pk, test.pk, sent.key)
"""
OF = {
    "head": [
        "/",
        "/campaigns/new/",
        "/campaigns/all/",
        "/machine/",
        f"/campaigns/compare/?campaign={SLUG}&campaign=every-question",
        "/account/",
        "/account/again/",
        "/account/tokens/",
    ],
    "": ["/sign-in/", "/account/password/reset/", "/no-such-page/", "/join/LINK/"],
    "new": [f"/c/{SLUG}/welcome/{step}" for step in ("consent/", "sound/", "instructions/", "practice/")],
    "guest": [f"/c/{SLUG}/finished/"],
    "ann": [
        "/",
        *(f"/c/{SLUG}/{page}" for page in ("me/", "me/answers/", "me/answers/ANSWER/", "leaderboard/", "quick/", "annotate/")),
        *(f"/c/{SLUG}/listen/{test}/" for test in ("OPEN", "ENDED")),
        "/c/every-question/quick/",
    ],
    "boss": [
        "/campaigns/",
        "/notices/choices/",
        "/api/docs/",
        f"/c/{SLUG}/review/accept/",
        *(
            f"/c/{SLUG}/{page}"
            for page in (
                "",
                "settings/",
                "closing/",
                "data/",
                "import/",
                "people/",
                "crowd/",
                "label-studio/",
                "crowd/missed/",
                "tasks/TASK/",
                "search/?q=a",
                "links/",
                "review/",
                "review/TASK/",
                "notes/",
                "tracks/",
                "base/kept/",
                "separate/",
                "separate/SENT/",
            )
        ),
        *(f"/c/{SLUG}/{page}" for page in ("tracks/TRACK/", "tracks/add/", "tracks/add/INTAKE/", "rounds/1/", "rounds/1/freeze/")),
        *(f"/c/{SLUG}/{page}" for page in ("rounds/2/", "judged/JUDGED/", "settings/sounds/", "over-effort/")),
        *(f"/c/{SLUG}/webhooks/{webhook}" for webhook in ("", "WEBHOOK/")),
        *(f"/c/{SLUG}/listening-tests/{test}" for test in ("", "OPEN/", "ENDED/")),
    ],
}
SIZES = ((360, 740), (1024, 768), (1440, 900))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def faults(page: Page, url: str) -> list[str]:
    """What is wrong with this page, at every size and in every scheme."""
    answer = page.goto(url)
    assert (answer and answer.status < 400) or url == "/no-such-page/", f"{url}: {answer and answer.status}"
    if url.endswith(("/annotate/", "/practice/")):
        until(page, f"{READY} && unbleed.editor.isDrawn", "waveform")
    if url == "/c/every-question/quick/":
        until(page, "document.getElementById('quick')?.dataset.state === 'ready'", "questions")
    if "/listen/" in url:
        until(page, "document.getElementById('listening')?.dataset.state !== 'loading'", "sounds")
    found = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found += [f"{url} at {width} px, {scheme}: {fault}" for fault in serious_faults(page)]
    return found


def test_no_page_has_a_serious_fault(open_context: Contexts, product: Product, watch: Watch) -> None:
    watch.allow("status 404")
    names = ("WEBHOOK", "TASK", "TRACK", "ANSWER", "INTAKE", "JUDGED", "LINK", "OPEN", "ENDED", "SENT")
    made = dict(zip(names, product.shell(SET_UP).split()[-10:], strict=True))
    found = []
    for who, urls in OF.items():
        page = open_context(who).new_page()
        for url in urls:
            for name, value in made.items():
                url = url.replace(name, value)
            found += faults(page, url)
    assert found == []
