"""One song of one's own: bring it, see how it stands, have it mended, hear it before and after, take it home, remove it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.core.errors import DomainError
from annotation.core.stems import rest_of
from annotation.files import storage
from annotation.models import Campaign, Estimate, Mark, Membership, Submission, Task, Track
from annotation.selectors.my_page import changes
from hub.pages.fragments import Context, fragment, unless_seen
from hub.requests import LARGEST_SONG
from learner import selectors
from learner.core import audio
from learner.core.files import writing
from learner.models import Round
from learner.services import own_songs

MOST_MINUTES = 10


class NotTaken(DomainError):
    """This file cannot be taken."""


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """The songs that the person signed in brought; a file that is sent becomes one more."""
    template = own_songs.template_for(request.user)
    if template is None:
        raise Http404
    if request.method == "POST":
        try:
            campaign = bring(request.user, template, request.FILES.get("song"))
            return redirect("own-song", campaign.slug)
        except DomainError as refusal:
            messages.error(request, _(str(refusal)))
            return redirect("own-songs")
    rows = [{"campaign": one, "sentence": _sentence(selectors.history(one))} for one in own_songs.songs_of(request.user)]
    allowed = {"most": own_songs.MOST_EACH, "megabytes": LARGEST_SONG // 1_000_000, "minutes": MOST_MINUTES}
    return render(request, "hub/own_songs.html", {"rows": rows, "endings": ",".join(audio.SUFFIXES), **allowed})


def bring(user: Any, template: Campaign, sent: UploadedFile | None) -> Campaign:
    """Take a file in as a song of this person's own, and let the base separate it. Raises `NotTaken` and `TooManySongs`."""
    from learner.ingest import ingest  # brings SciPy in

    if sent is None or not sent.name:
        raise NotTaken(_("Choose a file first."))
    name = Path(sent.name).name
    if Path(name).suffix.lower() not in audio.SUFFIXES:
        raise NotTaken(_("%(name)s is no kind of file that is read here; allowed are %(kinds)s.") % {"name": name, "kinds": audio.ALLOWED})
    with tempfile.TemporaryDirectory(prefix="unbleed-song-") as folder:
        file = Path(folder) / f"song{Path(name).suffix.lower()}"
        with file.open("wb") as target:
            for chunk in sent.chunks():
                target.write(chunk)
        try:
            duration = audio.check(file).duration
        except audio.BadAudio as wrong:
            raise NotTaken(f"{name}: {wrong}") from wrong
        if duration > 60 * MOST_MINUTES:
            known = {"name": name, "minutes": number_format(duration / 60, 1), "most": MOST_MINUTES}
            raise NotTaken(_("%(name)s lasts %(minutes)s minutes; at most %(most)s are allowed.") % known)
        with transaction.atomic():
            campaign = own_songs.make_room_for(user=user, template=template, name=Path(name).stem)
            outcome = ingest(campaign=campaign, folder=Path(folder), use=Track.Use.POOL, domain=Track.Domain.TARGET)
            if outcome.bad or not outcome.added:
                raise NotTaken(f"{name}: {outcome.bad[0].reason if outcome.bad else _('there is no song in it')}")
            own_songs.begin(campaign=campaign, template=template)
    return campaign


@login_required
@never_cache
@require_safe
def song(request: HttpRequest, slug: str) -> HttpResponse:
    """How a song stands, and what comes next; htmx gets the changing part alone."""
    member = _own(request, slug)
    body, digest = fragment(request, "hub/parts/own_song.html", _context(member))
    if request.headers.get("HX-Request"):
        return unless_seen(request, body, digest)
    return render(request, "hub/own_song.html", {"campaign": member.campaign, "body": body})


def _context(member: Membership) -> Context:
    campaign = member.campaign
    turns = selectors.history(campaign)
    last = turns[-1] if turns else None
    judged = next((turn.adaptation for turn in reversed(turns) if turn.adaptation and turn.adaptation.finished), None)
    marks = list(_marks(member))
    jobs = [job for job in (last.jobs if last else []) if job.is_open]
    return {
        "campaign": campaign,
        "sentence": _sentence(turns),
        "job": jobs[0] if jobs else None,
        "open": Task.objects.filter(campaign=campaign, state=Task.State.OPEN).count(),
        "listening": last is not None and last.round.state == Round.State.ANNOTATING,
        "n_marks": len(marks),
        "seconds": sum(mark.end - mark.start for mark in marks),
        "changes": changes(member),
        "reasons": judged.reasons if judged else [],
        "files": [
            {"when": when, "said": {"before": _("before"), "after": _("after")}[when], "names": (campaign.stem, rest_of(campaign.stem))}
            for when, estimate in _estimates(campaign, turns).items()
            if estimate
        ],
    }


def _sentence(turns: Sequence[selectors.Turn]) -> str:
    """How a song stands after these rounds, in one sentence."""
    last = turns[-1] if turns else None
    if last is None:
        return _("It begins in a moment.")
    mended = any(turn.promoted for turn in turns)
    job = last.round.scoring if last.round.state == Round.State.SCORING else last.adaptation.job if last.adaptation else None
    if last.round.state in (Round.State.SCORING, Round.State.ADAPTING):
        doing = _("The voice is being taken out of it") if last.round.state == Round.State.SCORING else _("It is being mended")
        if mended and last.round.state == Round.State.SCORING:
            doing = _("It is mended, and the voice is being taken out of it once more")
        if job and job.waits_for_room:
            return _("%(doing)s: that waits for room on the disk.") % {"doing": doing}
        if job and job.started:
            return f"{doing}: {job.percent} %."
        return _("%(doing)s: waiting for a worker, others may come first.") % {"doing": doing}
    if last.round.state == Round.State.FAILED:
        return _("Something went wrong, and who runs this site can see what.")
    if mended:
        return _("It is mended: hear it before and after.")
    if last.round.state == Round.State.ANNOTATING:
        return _("Listen to what was taken out, and mark where no voice should be.")
    return _("Nothing could be mended in it.") if any(turn.adaptation for turn in turns) else _("Nothing was marked in it.")


def _marks(member: Membership) -> QuerySet[Mark]:
    """What this person marked in answers that count."""
    return Mark.objects.filter(submission__by=member, submission__status=Submission.Status.ACCEPTED).order_by("start")


def _estimates(campaign: Campaign, turns: Sequence[selectors.Turn]) -> dict[str, Estimate | None]:
    """What the base made of the song, and what the mended one did."""
    current = selectors.current_checkpoint(campaign)
    known = {one.checkpoint: one for one in Estimate.objects.filter(track__campaign=campaign, stem=campaign.stem).select_related("track")}
    first = turns[0].round.parent.hash if turns else ""
    return {"before": known.get(first), "after": known.get(current.hash) if current and current.hash != first else None}


@login_required
@require_POST
def mend(request: HttpRequest, slug: str) -> HttpResponse:
    """Learn from what was marked so far."""
    member = _own(request, slug)
    try:
        own_songs.mend(campaign=member.campaign, who=member)
        messages.success(request, _("It is being mended. This page shows how far it is."))
    except own_songs.NotYet as refusal:
        messages.warning(request, _(str(refusal)))
    return redirect("own-song", slug)


@login_required
@require_safe
def file(request: HttpRequest, slug: str, when: str, name: str) -> HttpResponse:
    """The stem or what is left of the mix, before or after, as FLAC (a float WAV where it is over full scale)."""
    campaign = _own(request, slug).campaign
    estimate = _estimates(campaign, selectors.history(campaign)).get(when)
    if estimate is None or name not in (campaign.stem, rest_of(campaign.stem)):
        raise Http404
    stem = storage.local(estimate.file)
    if name == campaign.stem:
        return _to_take_home(stem, f"{name} {when}")
    mix, taken = audio.read(storage.local(estimate.track.stems.get(name="mixture").file)), audio.read(stem)
    n = min(mix.samples.shape[1], taken.samples.shape[1])
    with tempfile.TemporaryDirectory(prefix="unbleed-song-") as folder:
        written = writing.write(Path(folder) / "rest.flac", mix.samples[:, :n] - taken.samples[:, :n], mix.sample_rate)
        return _to_take_home(written, f"{name} {when}")


def _to_take_home(file: Path, name: str) -> HttpResponse:
    kind = {".flac": "audio/flac", ".wav": "audio/wav"}[file.suffix]
    return HttpResponse(file.read_bytes(), kind, headers={"Content-Disposition": f'attachment; filename="{name}{file.suffix}"'})


@login_required
@require_safe
def labels(request: HttpRequest, slug: str) -> HttpResponse:
    """The marks as labels that Audacity imports, and `fix` reads."""
    member = _own(request, slug)
    text = "".join(f"{mark.start:.3f}\t{mark.end:.3f}\tbleed\n" for mark in _marks(member))
    return HttpResponse(text, "text/plain; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="labels.txt"'})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Remove a song with all that was made of it; GET asks first."""
    campaign = _own(request, slug).campaign
    if request.method != "POST":
        return render(request, "hub/own_song_remove.html", {"campaign": campaign})
    try:
        own_songs.remove(campaign=campaign)
    except own_songs.AtWork as refusal:
        messages.warning(request, _(str(refusal)))
        return redirect("own-song", slug)
    messages.success(request, _("%(name)s is removed; its files go within two days.") % {"name": campaign.name})
    return redirect("own-songs")


def _own(request: HttpRequest, slug: str) -> Membership:
    member = own_songs.own_song(request.user, slug)
    if member is None:
        raise Http404
    return member
