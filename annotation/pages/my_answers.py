"""All answers of the person signed in, to be found again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.pages.access import member_or_404
from annotation.selectors.access import is_paused, must_finish_first_visit
from annotation.selectors.my_answers import FROZEN, OPEN, WITHDRAWN, for_list, found_again, listed

SHOWN = 50  # answers on a page


@login_required
@never_cache
@require_safe
def my_answers(request: HttpRequest, slug: str) -> HttpResponse:
    """The latest first; those with words in the song's name, or in one state."""
    member = member_or_404(request, slug)
    words, state = request.GET.get("q", "")[:200], request.GET.get("state", "")
    page = Paginator(for_list(found_again(member, words, state)), SHOWN).get_page(request.GET.get("page"))

    def query(number: int) -> str:
        return urlencode({name: value for name, value in (("q", words), ("state", state), ("page", number)) if value})

    context: dict[str, Any] = {
        "campaign": member.campaign,
        "member": member,
        "page": page,
        "answers": listed(member, page),
        "words": words,
        "state": state,
        "states": [(OPEN, _("can be changed")), (FROZEN, _("round closed")), (WITHDRAWN, _("withdrawn"))],
        "newer": query(page.number - 1),
        "older": query(page.number + 1),
        "let_in": not (is_paused(member) or must_finish_first_visit(member)),
    }
    return render(request, "annotation/my_answers.html", context)
