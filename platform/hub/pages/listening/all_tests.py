"""The listening tests of a campaign, and the form that begins another."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.core.errors import DomainError
from annotation.models import Campaign, ListeningTest, Track
from annotation.pages.access import manager_or_403
from annotation.selectors.listening import all_tests
from learner import selectors
from learner.models import Checkpoint
from learner.selectors.listening import songs, songs_to_draw, usual_pair
from learner.services.listening import MOST_EACH, MOST_SONGS, begin_test

MOST_SHOWN = 300  # songs to choose among by hand
DRAWN, BY_HAND = "drawn", "by hand"


class OneCheckpoint(forms.ModelChoiceField):
    """A checkpoint by its hash, named as on other pages."""

    def label_from_instance(self, obj: Checkpoint) -> str:
        return f"{obj.short}, made {obj.created:%-d %b %Y, %H:%M} UTC"


class SomeSongs(forms.ModelMultipleChoiceField):
    """Songs with what is known of them."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.use}{', marked' if obj.marked else ''})"


class TestForm(forms.Form):
    """What is compared, on which clips, and who is asked."""

    checkpoint = OneCheckpoint(Checkpoint.objects.none(), to_field_name="hash", label="Checkpoint in question")
    other = OneCheckpoint(Checkpoint.objects.none(), to_field_name="hash", label="Compared with")
    which = forms.ChoiceField(
        choices=[(DRAWN, "drawn among those of the pool that nobody has marked"), (BY_HAND, "chosen by hand")],
        widget=forms.RadioSelect,
        initial=DRAWN,
        label="Songs",
    )
    n_songs = forms.IntegerField(min_value=1, max_value=MOST_SONGS, initial=10, label="How many are drawn")
    tracks = SomeSongs(
        Track.objects.none(),
        required=False,
        label="Or these",
        help_text="Nobody has marked the first ones. On a song that was marked the model may have learned that very place: "
        "such a result does not hold for other songs.",
    )
    n_each = forms.IntegerField(min_value=1, max_value=MOST_EACH, initial=1, label="Clips of each song")
    seconds = forms.FloatField(min_value=4, max_value=30, initial=10, label="Seconds of a clip")
    place = forms.ChoiceField(
        choices=ListeningTest.Place,
        widget=forms.RadioSelect,
        initial=ListeningTest.Place.MOST,
        label="Where in the song",
        help_text="Where they differ most, few people are enough, and the result holds for such places; at random, it holds for songs.",
    )
    asks_leak = forms.BooleanField(required=False, label="Also ask in which of the two less leaks")
    by_links = forms.BooleanField(
        required=False,
        label="Ask people of panels too",
        help_text="They came by a link that pays for a number of clips; this comes on top.",
    )

    def __init__(self, *args: Any, campaign: Campaign, **more: Any) -> None:
        super().__init__(*args, **more)
        own = selectors.checkpoints(campaign).filter(stem=campaign.stem, file_removed_at=None)
        for name, one in zip(("checkpoint", "other"), usual_pair(campaign) or (None, None), strict=True):
            self.fields[name].queryset = own  # type: ignore[attr-defined]
            self.fields[name].initial = one and one.hash
        found = songs(campaign)[:MOST_SHOWN].values_list("pk", flat=True)
        self.fields["tracks"].queryset = songs(campaign).filter(pk__in=list(found))  # type: ignore[attr-defined]
        self.fields["tracks"].widget.attrs["size"] = 8

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("which") == BY_HAND and not found.get("tracks") and "tracks" not in self.errors:
            self.add_error("tracks", "Choose at least one song, or let some be drawn.")
        return found


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def listening_tests(request: HttpRequest, slug: str) -> HttpResponse:
    """All of them; POST begins one."""
    member = manager_or_403(request, slug)
    campaign = member.campaign
    asked = {name: request.GET[name] for name in ("checkpoint", "other") if name in request.GET}
    form = TestForm(request.POST if request.method == "POST" else None, campaign=campaign, initial=asked)
    if request.method == "POST" and form.is_valid():
        wanted = dict(form.cleaned_data)
        if wanted.pop("which") == DRAWN:
            wanted["tracks"] = ()
        try:
            test = begin_test(campaign=campaign, who=member, **wanted)
            messages.success(
                request, "The listening test has begun. A clip is before the listeners as soon as both have separated its song."
            )
            return redirect("listening-test", slug, test.pk)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    context = {
        "campaign": campaign,
        "member": member,
        "form": form,
        "tests": all_tests(campaign),
        "n_to_draw": songs_to_draw(campaign).count(),
        "can_compare": form.fields["checkpoint"].queryset.count() > 1,  # type: ignore[attr-defined]
    }
    return render(request, "hub/listening/all.html", context, status=400 if form.errors else 200)
