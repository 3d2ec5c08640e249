"""The page of a listening test, its sounds, and the door for what is said of them.

Nothing of it tells which of the two checkpoints a listener hears as A: no address, no name, no order, and no answer of the server.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.files import blind_sounds
from annotation.models import Estimate, ListeningClip, Membership, Stem
from annotation.pages.access import check_changeable, check_let_in, member_or_404
from annotation.pages.clips import with_range
from annotation.pages.fields import ByName, Choice, Number
from annotation.pages.rules import rules
from annotation.selectors.access import NotReady
from annotation.selectors.listening import is_asked, result, said_in, to_hear, which_is
from annotation.selectors.queue import membership_of
from annotation.services.listening import ENOUGH, prefer

MOST_SECONDS = 3600.0  # of a clip that somebody may say to have heard


@login_required
@never_cache
@ensure_csrf_cookie
@require_safe
def listen(request: HttpRequest, slug: str, test_id: int) -> HttpResponse:
    """One clip after the other, both checkpoints and the mix in step; of a test that has ended, what came of it."""
    member = member_or_404(request, slug)
    test = get_object_or_404(member.campaign.listening_tests.select_related("campaign"), pk=test_id)
    if not is_asked(test, member):
        raise Http404
    context: dict[str, Any] = {"campaign": member.campaign, "test": test}
    if test.ended:
        said = said_in(test)[test.pk]
        context |= {"result": result(test, said), "n_mine": sum(one.by == member.pk for one in said)}
        return render(request, "annotation/listening_over.html", context)
    try:
        check_asked(member)
    except NotReady as first:
        messages.info(request, str(first))
        return redirect(first.go)
    clips = [
        {"id": one.clip.pk, "length": round((one.clip.end or 0) - (one.clip.start or 0), 2), "answered": one.answered}
        for one in to_hear(test, member)
    ]
    context["desk"] = {"clips": clips, "asks_leak": test.asks_leak, "enough": ENOUGH}
    context["rules"] = rules(member.campaign)
    return render(request, "annotation/listening.html", context)


def check_asked(member: Membership) -> None:
    """Raise `NotReady` where this member listens to nothing now. Who has done all their clips may still compare."""
    if member.campaign.ended:
        over = gettext("This campaign has ended: nobody is asked to listen any more. Thank you.")
        raise NotReady(over, reverse("finished", args=[member.campaign.slug]))
    check_let_in(member)


@login_required
@require_safe
def sound(request: HttpRequest, clip_id: int, side: str) -> HttpResponse:
    """One of the three sounds of a clip as this listener knows them: a, b or mix."""
    found = _clip_and_member(request.user, clip_id)
    if found is None or found[0].test.ended:
        raise Http404
    clip, member = found
    check_asked(member)
    which = "mix" if side == "mix" else which_is(clip, member, side)
    try:
        heard = blind_sounds.sound(clip, which)
    except (Estimate.DoesNotExist, Stem.DoesNotExist, FileNotFoundError) as missing:
        raise Http404 from missing  # without its words, which name a checkpoint
    return with_range(heard, request.headers.get("Range", ""))


def _clip_and_member(user: Any, clip_id: int) -> tuple[ListeningClip, Membership] | None:
    clip = ListeningClip.objects.select_related("test__campaign", "track__campaign").exclude(start=None).filter(pk=clip_id).first()
    member = clip and membership_of(user, clip.test.campaign.slug)
    return (clip, member) if clip and member and is_asked(clip.test, member) else None


class ListeningAnswer(APIView):
    """What somebody says of one clip of a listening test; said again while it is open, it takes the place of what they said before."""

    class Body(serializers.Serializer[Any]):
        better = Choice(choices=["a", "b", "none"], help_text="none: no difference")
        leaks_less = Choice(choices=["a", "b", "none", ""], required=False, default="", allow_blank=True)
        heard = ByName(names=("a", "b", "mix"), child=Number(min_value=0, max_value=MOST_SECONDS), help_text="seconds of each")

    ANSWER = inline_serializer("ListeningAnswerKept", {"left": serializers.IntegerField(help_text="clips still to answer")})

    @extend_schema(request=Body, responses={200: ANSWER, 404: None})
    def put(self, request: Request, clip_id: int) -> Response:
        found = _clip_and_member(request.user, clip_id)
        if found is None:
            raise NotFound
        clip, member = found
        check_changeable(member.campaign, request.method)
        check_asked(member)
        body = self.Body(data=request.data)
        body.is_valid(raise_exception=True)
        prefer(clip=clip, by=member, **body.validated_data)
        return Response({"left": sum(not one.answered for one in to_hear(clip.test, member))})
