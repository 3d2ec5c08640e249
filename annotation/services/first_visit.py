"""A member's first visit, step by step, and taking consent back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.timezone import now
from django.utils.translation import gettext, gettext_noop

from annotation.core import questionnaire
from annotation.core.first_visit_sounds import practice as practice_clips
from annotation.core.grading import Grade, grade
from annotation.events import record
from annotation.models import Assignment, Consent, Draft, FirstVisit, Membership, PracticeAnswer, Preference, Submission
from annotation.selectors import access
from annotation.selectors.access import NotReady
from annotation.selectors.practice import practice_of, run_of
from annotation.services.answers import withdraw_answers

EARS, THREES = 2, 3
"""Questions of the sound check: which ear, and which of three tones is the softest."""
THREES_RIGHT = 2  # so many are asked for; one slip is human

CONSENT = gettext_noop(
    "What you mark is stored under a pseudonym, with when you marked it, for how long you listened and which parts you heard.\n"
    "It is used to teach this campaign's separation model, and may be published with the pseudonym replaced.\n"
    "Nobody but the people who run this site can connect the pseudonym with your account.\n"
    "Taking part is voluntary. You can stop at any time, and take back your consent and your answers on your own page; a model that has "
    "learned from them already stays as it is."
)


def check_consent(by: Membership) -> None:
    """Raise `NotReady` for whoever has withdrawn their consent: a page may still be open from before."""
    if access.has_withdrawn(by):
        message = gettext("Your consent is withdrawn, so nothing more is kept of you. You can give it again on your own page.")
        raise NotReady(message, reverse("my-page", args=[by.campaign.slug]))


def visit_of(by: Membership) -> FirstVisit:
    """The member's first visit, begun now if it was not."""
    return FirstVisit.objects.get_or_create(membership=by)[0]


def consent_text(by: Membership) -> str:
    return by.campaign.consent_text or gettext(CONSENT)


@transaction.atomic
def give_consent(*, by: Membership) -> Consent:
    """Agree to the campaign's present text, which is kept as they read it."""
    visit, version = visit_of(by), by.campaign.consent_version
    given = Consent.objects.create(membership=by, version=version, text=consent_text(by), given=True)
    FirstVisit.objects.filter(pk=visit.pk).update(consent=FirstVisit.Consented.GIVEN)
    Membership.objects.filter(pk=by.pk).update(consent_version=version)
    by.consent_version = version
    record(by.campaign, "consent.given", who=by, after={"version": version})
    return given


@transaction.atomic
def withdraw_consent(*, by: Membership, with_answers: bool) -> int:
    """Stop: no task is handed out any more. `with_answers` takes the answers back too; returns how many were.

    Answers taken back stay on record as withdrawn and count nowhere from the next freeze on; what a model has learned it keeps.
    """
    visit = visit_of(by)
    Consent.objects.create(membership=by, version=by.consent_version, text=consent_text(by), given=False)
    FirstVisit.objects.filter(pk=visit.pk).update(consent=FirstVisit.Consented.WITHDRAWN)
    n = withdraw_answers(by=by, answers=Submission.objects.filter(by=by)) if with_answers else 0
    if with_answers:
        Preference.objects.filter(by=by).delete()
    Assignment.objects.filter(by=by, state=Assignment.State.LEASED).update(lease_until=now())
    Draft.objects.filter(by=by).delete()
    record(by.campaign, "consent.withdrawn", who=by, after={"answers": n})
    return n


@transaction.atomic
def answer_questions(*, by: Membership, said: Mapping[int, Iterable[int]]) -> list[str]:
    """Keep what somebody said to the campaign's questionnaire (places of questions -> places of answers), and return the tags it gave.

    What an earlier answer of theirs gave is taken off; tags that the questions do not give stay.
    """
    visit, questions = visit_of(by), questionnaire.read(by.campaign.questionnaire)
    answers = questionnaire.chosen(questions, said)
    given = questionnaire.tags_of(questions, answers)
    FirstVisit.objects.filter(pk=visit.pk).update(questions=answers)
    member = Membership.objects.select_for_update(no_key=True).get(pk=by.pk)
    ours = [one.tag for question in questions for one in question.answers]
    by.tags = questionnaire.with_tags((tag for tag in member.tags if tag not in ours), add=given)
    Membership.objects.filter(pk=by.pk).update(tags=by.tags)
    record(by.campaign, "member.answered_questions", who=by, before={"tags": member.tags}, after={"tags": by.tags})
    return given


# ---------------------------------------------------------------- sound


def right_ear(visit: FirstVisit, number: int) -> str:
    """The side that tone `number` of this try sounds on."""
    return ("left", "right")[_drawn(visit, f"ear-{number}") % 2]


def right_three(visit: FirstVisit, number: int) -> tuple[int, int]:
    """Of three tones (0-2): the soft one, and the one whose sides are in opposite phase."""
    quiet = _drawn(visit, f"three-{number}") % 3
    return quiet, (quiet + 1 + _drawn(visit, f"odd-{number}") % 2) % 3


def _drawn(visit: FirstVisit, what: str) -> int:
    """A number that nobody can know without the site's secret; another try draws anew."""
    digest = salted_hmac("annotation.welcome", f"{visit.membership_id}:{visit.sound_tries}:{what}", secret=settings.SECRET_KEY)
    return int.from_bytes(digest.digest()[:4], "big")


@transaction.atomic
def answer_sound_check(*, by: Membership, ears: Sequence[str], threes: Sequence[int]) -> bool:
    """Whether what was heard is what was played; a failed try draws new tones. `threes` counts tones from 0."""
    visit = visit_of(by)
    heard = sum(said == right_ear(visit, n) for n, said in enumerate(ears, start=1))
    softest = sum(said == right_three(visit, n)[0] for n, said in enumerate(threes, start=1))
    if passed := heard == EARS and softest >= THREES_RIGHT:
        FirstVisit.objects.filter(pk=visit.pk).update(sound=FirstVisit.Sound.PASSED)
    FirstVisit.objects.filter(pk=visit.pk).update(sound_tries=F("sound_tries") + 1)
    return passed


def go_on_without(*, by: Membership) -> None:
    """Go on though the check was not passed: not everybody has two good ears or headphones. Managers see it."""
    FirstVisit.objects.filter(membership=by, sound=FirstVisit.Sound.NOT_YET, sound_tries__gt=0).update(sound=FirstVisit.Sound.WITHOUT)


# ---------------------------------------------------------------- instructions and practice


def read_instructions(*, by: Membership) -> None:
    visit = visit_of(by)
    FirstVisit.objects.filter(pk=visit.pk).update(instructions_version=by.campaign.instruction_version)


@transaction.atomic
def answer_practice(*, by: Membership, n: int, marks: Sequence[Sequence[float]]) -> Grade:
    """Grade a try at the n-th clip of the practice (from 1, over all runs) and keep it; the run that reaches the mark ends the first visit.

    A clip's first answer counts; it may be tried again. Raises `NotReady` where this member may not hear that clip.
    """
    Membership.objects.select_for_update(no_key=True).get(pk=by.pk)  # a run is over once
    run, number = run_of(n)
    check_practice(by, run)
    example = practice_clips(run)[number - 1]
    found = grade(marks, example.truth, example.clip)
    PracticeAnswer.objects.create(membership=by, run=run, number=number, marks=[list(mark) for mark in marks], score=found.score)
    if practice_of(by).passed and FirstVisit.objects.filter(membership=by, finished=None).update(finished=now()):
        record(by.campaign, "member.welcomed", who=by)
    return found


def check_practice(by: Membership, run: int) -> None:
    """Raise `NotReady` where this member does not practise, or not yet in this run."""
    here = reverse("first-visit", args=[by.campaign.slug])
    if access.next_step(by) not in (None, "practice"):
        raise NotReady(gettext("Something comes before the practice."), here)
    so_far = practice_of(by)
    if run > so_far.run or (run == so_far.run and so_far.is_spent):
        raise NotReady(gettext("This clip is not before you yet."), here)


@transaction.atomic
def give_more_tries(*, to: FirstVisit, who: Membership) -> None:
    """Let a member who has used up their tries go through the practice once more."""
    FirstVisit.objects.filter(pk=to.pk).update(more_tries=F("more_tries") + 1)
    record(to.membership.campaign, "member.may_practise_again", who=who, after={"who": to.membership.pseudonym})
