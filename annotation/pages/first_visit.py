"""Pages of a first visit: consent, sound check, instructions, practice; and the sounds of these pages."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from annotation.core import first_visit_sounds
from annotation.core.grading import Grade
from annotation.core.regions import BadRegion, Region, Regions
from annotation.files.previews import kept
from annotation.models import FirstVisit, Membership
from annotation.pages.access import member_or_404
from annotation.pages.clips import with_range
from annotation.selectors import access
from annotation.services import first_visit as steps

STEPS = ("consent", "sound", "instructions", "practice")
TITLES = {"consent": "Your consent", "sound": "Sound check", "instructions": "What to mark", "practice": "Practice"}
Context = dict[str, Any]
SOUNDS_VERSION = 1  # raised when `examples` changes what they sound like


@login_required
@never_cache
@require_safe
def first_visit(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the first visit goes on; once it is over, a way to each step again."""
    member = member_or_404(request, slug)
    step = access.next_step(member)
    if step == "practice":
        return redirect("first-visit-practice", slug, _untried(member))
    if step:
        return redirect("first-visit-step", slug, step)
    return render(request, "annotation/first_visit/done.html", _context(member, "") | {"best": steps.tried(member)})


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One step of the first visit; later ones are reached in order."""
    member = member_or_404(request, slug)
    if name not in PAGES:
        raise Http404
    ahead = access.next_step(member)
    if ahead and STEPS.index(name) > STEPS.index(ahead):
        return redirect("first-visit", slug)
    if request.method == "POST":
        return PAGES[name](request, member)
    return render(request, f"annotation/first_visit/{name}.html", _context(member, name))


def _consent(request: HttpRequest, member: Membership) -> HttpResponse:
    if request.POST.get("agree") != "yes":
        messages.error(request, "Tick the box if you agree. Without consent there are no clips, and you can just leave.")
        return redirect("first-visit-step", member.campaign.slug, "consent")
    steps.give_consent(by=member)
    return redirect("first-visit", member.campaign.slug)


def _sound(request: HttpRequest, member: Membership) -> HttpResponse:
    if "without" in request.POST:
        steps.go_on_without(by=member)
        return redirect("first-visit", member.campaign.slug)
    ears = [request.POST.get(f"ear-{n}", "") for n in range(1, steps.EARS + 1)]
    threes = [int(said) - 1 if (said := request.POST.get(f"three-{n}", "")) in {"1", "2", "3"} else -1 for n in range(1, steps.THREES + 1)]
    if not all(ears) or -1 in threes:
        messages.error(request, "Listen to each of the five sounds and answer below it.")
    elif steps.answer_sound_check(by=member, ears=ears, threes=threes):
        messages.success(request, "Your headphones are on the right way round, and you hear what there is to hear.")
        return redirect("first-visit", member.campaign.slug)
    else:
        messages.warning(request, "Not everything was right. Put headphones on, left on left, look for a quiet place, and try again.")
    return redirect("first-visit-step", member.campaign.slug, "sound")


def _instructions(request: HttpRequest, member: Membership) -> HttpResponse:
    steps.read_instructions(by=member)
    return redirect("first-visit", member.campaign.slug)


PAGES: dict[str, Callable[[HttpRequest, Membership], HttpResponse]] = {"consent": _consent, "sound": _sound, "instructions": _instructions}


def _context(member: Membership, name: str) -> Context:
    visit = FirstVisit.objects.filter(membership=member).first() or FirstVisit(membership=member)
    return {
        "campaign": member.campaign,
        "member": member,
        "visit": visit,
        "step": name,
        "title": TITLES.get(name, "Welcome"),
        "steps": [{"name": one, "title": TITLES[one], "number": n} for n, one in enumerate(STEPS, start=1)],
        "consent_text": steps.consent_text(member),
        "ears": [str(n) for n in range(1, steps.EARS + 1)],
        "threes": [str(n) for n in range(1, steps.THREES + 1)],
        "shown": [_in_words(one, member) for one in first_visit_sounds.SHOWN],
        "n_practice": len(first_visit_sounds.PRACTICE),
    }


def _in_words(example: first_visit_sounds.Example, member: Membership) -> first_visit_sounds.Example:
    """The example as those read of it who are to hear it."""
    title, lesson = example.said(member.campaign.stem)
    return replace(example, title=title, lesson=lesson)


# ---------------------------------------------------------------- practice


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def practice(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """A practice task; answered, it shows what was missed and what was too much on a time line."""
    member = member_or_404(request, slug)
    if not 1 <= number <= len(first_visit_sounds.PRACTICE):
        raise Http404
    if access.next_step(member) not in (None, "practice"):
        return redirect("first-visit", slug)
    example = _in_words(first_visit_sounds.PRACTICE[number - 1], member)
    context = _context(member, "practice") | {"example": example, "number": number, "rows": [("", "")] * 2}
    if request.method == "POST":
        context["rows"] = [*zip(request.POST.getlist("start"), request.POST.getlist("end"), strict=False), ("", "")]
        try:
            marks = marks_in(request.POST, example.clip)
        except BadRegion as bad:
            messages.error(request, str(bad))
        else:
            found = steps.answer_practice(by=member, number=number, marks=marks)
            context |= {"grade": found, "percent": round(100 * found.score), "lanes": time_line(example.clip, example.truth, marks, found)}
            context["next_number"] = None if access.next_step(member) is None else _untried(member)
    return render(request, "annotation/first_visit/practice.html", context)


def _untried(member: Membership) -> int:
    best = steps.tried(member)
    return next((n for n in range(1, len(first_visit_sounds.PRACTICE) + 1) if n not in best), 1)


def marks_in(posted: QueryDict, clip: Region) -> list[Region]:
    """The marks of a form's `start` and `end` fields, in clip seconds; empty pairs are left out. Raises `BadRegion`."""
    marks = []
    for n, (start, end) in enumerate(zip(posted.getlist("start"), posted.getlist("end"), strict=False), start=1):
        if not start.strip() and not end.strip():
            continue
        mark = Region(_seconds(n, "start", start, clip), _seconds(n, "end", end, clip))
        if mark.end <= mark.start:
            raise BadRegion(f"Mark {n}: end is {mark.end:g} s; it must be after the start, {mark.start:g} s.", field="end")
        marks.append(mark)
    return marks


def _seconds(n: int, field: str, text: str, clip: Region) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not clip.start <= value <= clip.end:
        raise BadRegion(f"Mark {n}: {field} is {text[:20]!r}; it must be a number of seconds from 0 to {clip.end:g}.", field=field)
    return value


@dataclass(frozen=True)
class Lane:
    """One line of a time line; blocks are (start, length, end) in seconds of the clip."""

    name: str
    kind: str
    blocks: list[tuple[float, float, float]]
    empty: str


def time_line(clip: Region, truth: Regions, marks: Regions, found: Grade) -> list[Lane]:
    """What was there, what was marked, and what of it was wrong, as lanes under each other."""

    def lane(name: str, kind: str, regions: Regions, empty: str) -> Lane:
        return Lane(name, kind, [(round(r[0] - clip.start, 2), round(r[1] - r[0], 2), round(r[1] - clip.start, 2)) for r in regions], empty)

    return [
        lane("what leaks", "consensus", truth, "nothing leaks"),
        lane("your marks", "person", marks, "no marks"),
        lane("missed", "missed", found.missed, "nothing missed"),
        lane("too much", "extra", found.extra, "nothing too much"),
    ]


# ---------------------------------------------------------------- sounds


@login_required
@require_safe
def sound(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """A sound of the first visit as FLAC. Tones of the check are drawn for this person and try, and never kept by the browser."""
    member = member_or_404(request, slug)
    stem = member.campaign.stem
    made = _example(name, stem) if name.rpartition("-")[2] in (stem, "mix") else _check(member, name)
    if made is None:
        raise Http404
    answer = with_range(made, request.headers.get("Range", ""), "audio/flac")
    if name.startswith(("ear-", "three-")):
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _example(name: str, stem: str) -> bytes | None:
    if name.rpartition("-")[0] not in first_visit_sounds.BY_NAME:
        return None
    return kept_sound(f"first-visit-{stem}-{name}", lambda: made_apart(name, stem))


def _check(member: Membership, name: str) -> bytes | None:
    if name == "volume":
        return kept_sound("first-visit-volume", lambda: first_visit_sounds.flac(first_visit_sounds.volume_tone()))
    visit = FirstVisit.objects.filter(membership=member).first()
    kind, _, number = name.partition("-")
    last = {"ear": steps.EARS, "three": steps.THREES}.get(kind, 0)
    if visit is None or not number.isdecimal() or not 1 <= int(number) <= last:
        return None
    if kind == "ear":
        return first_visit_sounds.flac(first_visit_sounds.ear(steps.right_ear(visit, int(number))))
    return first_visit_sounds.flac(first_visit_sounds.quietest_of_three(*steps.right_three(visit, int(number))))


def kept_sound(name: str, make: Callable[[], bytes]) -> bytes:
    """A sound that is the same for everybody, made once."""
    return kept(f"{name}-{SOUNDS_VERSION}.flac", lambda target: target.write_bytes(make()))


def made_apart(name: str, stem: str) -> bytes:
    """An example's sound, made in a process of its own: what it needs of SciPy would stay in this one for good (70 MB)."""
    command = [sys.executable, "-m", "annotation.core.first_visit_sounds", stem, name]
    return subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True).stdout
