"""All answers of the person signed in, to be found again; and what became of one, once its round is closed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.pages.access import member_or_404
from annotation.pages.effects import in_step
from annotation.pages.outcome import outcome, own_lane
from annotation.pages.rules import rules
from annotation.selectors.access import is_paused, must_finish_first_visit
from annotation.selectors.effects import effect_of, offers_effect
from annotation.selectors.gold import grade_of
from annotation.selectors.my_answers import FROZEN, OPEN, WITHDRAWN, became, for_list, found_again, listed
from annotation.selectors.my_page import heard_later, promotions

SHOWN = 50  # answers on a page


@login_required
@never_cache
@require_safe
def my_answers(request: HttpRequest, slug: str) -> HttpResponse:
    """The latest first; those with words in the song's name, or in one state."""
    member = member_or_404(request, slug)
    words, state = request.GET.get("q", "")[:200], request.GET.get("state", "")
    page = Paginator(for_list(member, found_again(member, words, state)), SHOWN).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "campaign": member.campaign,
        "member": member,
        "page": page,
        "answers": listed(member, page),
        "words": words,
        "state": state,
        "states": [(OPEN, _("can be changed")), (FROZEN, _("round closed")), (WITHDRAWN, _("withdrawn"))],
        "let_in": not (is_paused(member) or must_finish_first_visit(member)),
    }
    return render(request, "annotation/my_answers.html", context)


@login_required
@never_cache
@require_safe
def my_answer(request: HttpRequest, slug: str, submission_id: int) -> HttpResponse:
    """One frozen answer: its marks against the truth of a known clip, or what a reviewer decided; of others the marks alone."""
    member = member_or_404(request, slug)
    if (told := became(member, submission_id)) is None:
        raise Http404
    answer, clip = told.answer, told.answer.submission.task.clip
    context: dict[str, Any] = {"campaign": member.campaign, "member": member, "answer": answer, "task": answer.submission.task}
    later = None if answer.is_known else heard_later(answer.submission.task, promotions(member.campaign))
    effect = effect_of(answer.submission)
    context |= in_step(answer.submission, later, effect)
    context["rules"] = rules(member.campaign)
    context["may_wish"] = not context["effect"] and offers_effect(answer.submission, member)
    if told.truth is None:
        context |= {"lanes": [own_lane(clip, told.marks)], "length": round(clip.duration, 2)}
    else:
        name = _("what leaks") if answer.is_known else _("what was decided")
        grade, edges = grade_of(answer.submission, told.truth), not answer.submission.is_quick
        context |= outcome(clip, told.truth, told.marks, grade, name=name, edges=edges)
    return render(request, "annotation/my_answer.html", context)
