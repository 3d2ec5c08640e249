"""Pages of a first visit: consent, sound check, instructions; and the sounds of these pages and of the practice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from annotation.core import first_visit_sounds, questionnaire
from annotation.events import send
from annotation.files.first_visit_files import VERSION, are_prepared, example_file
from annotation.files.previews import kept
from annotation.models import FirstVisit, Membership
from annotation.pages.access import member_or_404
from annotation.pages.clips import with_range
from annotation.selectors import access
from annotation.services import first_visit as steps

STEPS = ("consent", "questions", "sound", "instructions", "practice")
TITLES = {
    "consent": gettext_noop("Your consent"),
    "questions": gettext_noop("About you"),
    "sound": gettext_noop("Sound check"),
    "instructions": gettext_noop("What to mark"),
    "practice": gettext_noop("Practice"),
}
Context = dict[str, Any]


@login_required
@never_cache
@require_safe
def first_visit(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the first visit goes on; once it is over, a way to each step again."""
    member = member_or_404(request, slug)
    step = access.next_step(member)
    if step == "practice":
        return redirect("practice", slug)
    if step:
        return redirect("first-visit-step", slug, step)
    return render(request, "annotation/first_visit/done.html", _context(member, ""))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One step of the first visit; later ones are reached in order."""
    member = member_or_404(request, slug)
    if name not in PAGES or name not in steps_of(member):
        raise Http404
    ahead = access.next_step(member)
    if ahead and STEPS.index(name) > STEPS.index(ahead):
        return redirect("first-visit", slug)
    if request.method == "POST":
        return PAGES[name](request, member)
    if not are_prepared(member.campaign.stem):
        send("prepare_first_visit", member.campaign.pk)
    return render(request, f"annotation/first_visit/{name}.html", _context(member, name))


def _consent(request: HttpRequest, member: Membership) -> HttpResponse:
    if request.POST.get("agree") != "yes":
        messages.error(request, gettext("Tick the box if you agree. Without consent there are no clips, and you can just leave."))
        return redirect("first-visit-step", member.campaign.slug, "consent")
    steps.give_consent(by=member)
    return redirect("first-visit", member.campaign.slug)


def _questions(request: HttpRequest, member: Membership) -> HttpResponse:
    said = {
        number: [int(place) for place in request.POST.getlist(f"question-{number}") if place.isdecimal() and len(place) < 4]
        for number in range(len(questionnaire.read(member.campaign.questionnaire)))
    }
    steps.answer_questions(by=member, said=said)
    return redirect("first-visit", member.campaign.slug)


def _sound(request: HttpRequest, member: Membership) -> HttpResponse:
    if "without" in request.POST:
        steps.go_on_without(by=member)
        return redirect("first-visit", member.campaign.slug)
    ears = [request.POST.get(f"ear-{n}", "") for n in range(1, steps.EARS + 1)]
    threes = [int(said) - 1 if (said := request.POST.get(f"three-{n}", "")) in {"1", "2", "3"} else -1 for n in range(1, steps.THREES + 1)]
    if not all(ears) or -1 in threes:
        messages.error(request, gettext("Listen to each of the five sounds and answer below it."))
    elif steps.answer_sound_check(by=member, ears=ears, threes=threes):
        messages.success(request, gettext("Your headphones are on the right way round, and you hear what there is to hear."))
        return redirect("first-visit", member.campaign.slug)
    else:
        messages.warning(
            request, gettext("Not everything was right. Put headphones on, left on left, look for a quiet place, and try again.")
        )
    return redirect("first-visit-step", member.campaign.slug, "sound")


def _instructions(request: HttpRequest, member: Membership) -> HttpResponse:
    steps.read_instructions(by=member)
    return redirect("first-visit", member.campaign.slug)


PAGES: dict[str, Callable[[HttpRequest, Membership], HttpResponse]] = {
    "consent": _consent,
    "questions": _questions,
    "sound": _sound,
    "instructions": _instructions,
}


def _context(member: Membership, name: str) -> Context:
    return context_of(member, name) | {
        "ears": [str(n) for n in range(1, steps.EARS + 1)],
        "threes": [str(n) for n in range(1, steps.THREES + 1)],
        "shown": shown(member),
        "questions": questionnaire.read(member.campaign.questionnaire),
        "n_practice": len(first_visit_sounds.PRACTICE),
    }


def context_of(member: Membership, name: str) -> Context:
    """What every page of the first visit says: whose it is, and where they are."""
    visit = FirstVisit.objects.filter(membership=member).first() or FirstVisit(membership=member)
    return {
        "campaign": member.campaign,
        "member": member,
        "visit": visit,
        "step": name,
        "title": gettext(TITLES[name]) if name else gettext("Welcome"),
        "steps": [{"name": one, "title": gettext(TITLES[one]), "number": n} for n, one in enumerate(steps_of(member), start=1)],
        "consent_text": steps.consent_text(member),
    }


def steps_of(member: Membership) -> list[str]:
    """The steps that this campaign has."""
    return [one for one in STEPS if one != "questions" or member.campaign.questionnaire]


def shown(member: Membership) -> list[first_visit_sounds.Example]:
    """The examples of what to mark and what not."""
    return [in_words(one, member) for one in first_visit_sounds.SHOWN]


def in_words(example: first_visit_sounds.Example, member: Membership) -> first_visit_sounds.Example:
    """The example as those read of it who are to hear it."""
    title, lesson = example.said(member.campaign.stem, gettext)
    return replace(example, title=title, lesson=lesson)


# ---------------------------------------------------------------- sounds


@login_required
@require_safe
def sound(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """A sound of the first visit as FLAC. Tones of the check are drawn for this person and try, and never kept by the browser."""
    member = member_or_404(request, slug)
    stem = member.campaign.stem
    made = example_file(name, stem) if name.rpartition("-")[2] in (stem, "mix", "removed") else _check(member, name)
    if made is None:
        raise Http404
    answer = with_range(made, request.headers.get("Range", ""), "audio/flac")
    if name.startswith(("ear-", "three-")):
        answer.headers["Cache-Control"] = "no-store"
    return answer


@login_required
@require_safe
def picture(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The spectrogram of what is extracted of an example."""
    drawn = example_file(f"{name}-picture", member_or_404(request, slug).campaign.stem)
    if drawn is None:
        raise Http404
    return HttpResponse(drawn, content_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


def _check(member: Membership, name: str) -> bytes | None:
    if name == "volume":
        make = lambda target: target.write_bytes(first_visit_sounds.flac(first_visit_sounds.volume_tone()))  # noqa: E731
        return kept(f"first-visit-volume-{VERSION}.flac", make)
    visit = FirstVisit.objects.filter(membership=member).first()
    kind, _, number = name.partition("-")
    last = {"ear": steps.EARS, "three": steps.THREES}.get(kind, 0)
    if visit is None or not number.isdecimal() or not 1 <= int(number) <= last:
        return None
    if kind == "ear":
        return first_visit_sounds.flac(first_visit_sounds.ear(steps.right_ear(visit, int(number))))
    return first_visit_sounds.flac(first_visit_sounds.quietest_of_three(*steps.right_three(visit, int(number))))
