"""What a campaign needs before its first clip can open, what is thin, and what it can do without: in words, each with where to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.db.models import Count, Q
from django.urls import reverse

from annotation.core.words import count
from annotation.models import Campaign, Track
from learner import bases, selectors
from learner.models import Trial

Use, Domain = Track.Use, Track.Domain
State = Literal["done", "thin", "to do", "may wait"]
BADGES = {"done": "good", "thin": "warn", "to do": "bad", "may wait": ""}
GOOD_POOL = 6  # songs: from here on one is kept apart for the gate, and others teach
GATE_FOR_INTERVAL = 4  # songs: from here on the gate's reasons give an interval
WITHOUT_GATE = (
    "none: then one song in four of the pool is kept apart, and no new model is taken over before people have marked something there; "
    "with such songs verdicts are surer and come sooner"
)
WITHOUT_GATE_OF_ONE = "none, and of one song in the pool none can be kept apart instead: no new model is ever taken over"


@dataclass(frozen=True)
class Step:
    """A thing to have, and how it stands."""

    what: str
    state: State
    said: str
    go: str
    button: str

    @property
    def badge(self) -> str:
        return BADGES[self.state]


def first_steps(campaign: Campaign, *, has_model: bool) -> list[Step]:
    """The check list of a campaign whose first round has not begun."""
    n = _counted(campaign)
    in_pool = sum(row["n"] for (use, _), row in n.items() if use == Use.POOL)
    return [
        _pool(campaign, in_pool),
        _base(campaign, has_model=has_model),
        _people(campaign),
        _gate(campaign, _with_stems(n, Use.GATE, Domain.TARGET), in_pool),
        _past(campaign, sum(row["n"] for (use, _), row in n.items() if use == Use.REPLAY), _with_stems(n, Use.GATE, Domain.SOURCE)),
        _test(campaign, sum(row["with_stem"] for (use, _), row in n.items() if use == Use.TEST)),
    ]


def _counted(campaign: Campaign) -> dict[tuple[str, str], dict[str, int]]:
    """How many songs there are of each use and domain, and how many of these have the campaign's stem."""
    with_stem = Count("pk", filter=Q(stems__name=campaign.stem), distinct=True)
    tracks = campaign.tracks.filter(set_aside=None).order_by().values("use", "domain")
    counted = tracks.annotate(n=Count("pk", distinct=True), with_stem=with_stem)
    return {(row["use"], row["domain"]): {"n": row["n"], "with_stem": row["with_stem"]} for row in counted}


def _with_stems(n: dict[tuple[str, str], dict[str, int]], use: str, domain: str) -> int:
    return n[use, domain]["with_stem"] if (use, domain) in n else 0


def _add(campaign: Campaign, use: str, domain: str = Domain.TARGET) -> str:
    return f"{reverse('add-songs', args=[campaign.slug])}?use={use}&domain={domain}"


def _pool(campaign: Campaign, n: int) -> Step:
    what, go, button = "Songs that people listen to", _add(campaign, Use.POOL), "Add songs"
    if not n:
        return Step(what, "to do", "none yet: mixes are enough, six or more are better", go, button)
    songs, most = count(n, "song"), n * campaign.clips_per_track
    if most < campaign.clips_per_round:
        said = (
            f"{songs} in the pool: at most {count(most, 'clip')} a round, of {campaign.clips_per_round} that are asked for; "
            "add songs, or allow more clips of one song in the settings"
        )
        return Step(what, "thin", said, go, button)
    if n < GOOD_POOL:
        return Step(what, "thin", f"{songs} in the pool: a round works, and {GOOD_POOL} or more teach better", go, button)
    return Step(what, "done", f"{songs} in the pool", go, button)


def _base(campaign: Campaign, *, has_model: bool) -> Step:
    what, tried = "A base", selectors.trials(campaign)
    if has_model:
        mine = tried.get(Trial.OWN)
        if mine is None or mine.fit in (None, "unknown"):
            return Step(what, "done", "the campaign has one; whether it suits the songs, hear below", "#fit", "Does it suit?")
        how: dict[str, tuple[State, str]] = {
            "fits": ("done", "the campaign has one, and it suits the songs that it was tried on"),
            "partly": ("thin", "the campaign's base suits only some of the songs that it was tried on"),
            "unfit": ("thin", "the campaign's base does not suit its songs, which marks do not mend: take another one first"),
        }
        state, said = how[mine.fit or ""]
        return Step(what, state, said, "#fit", "Does it suit?")
    coming = selectors.chosen_base(campaign)
    if coming and coming.job.is_open:
        return Step(what, "to do", f"{coming.name} is on its way", "#base", "Base")
    if suiting := [name for name, one in tried.items() if one.fit == "fits"]:
        return Step(what, "to do", f"choose one: {suiting[0]} suits the songs that it was tried on", "#fit", "Choose")
    if unfit := [name for name, one in tried.items() if one.fit == "unfit"]:
        usual = bases.base_for(campaign)
        instead = f"; {usual} was not tried yet" if usual not in tried else ""
        return Step(what, "to do", f"choose one: {unfit[0]} does not suit the songs{instead}", "#fit", "Try and choose")
    return Step(what, "to do", "choose it below, under Base", "#base", "Base")


def _people(campaign: Campaign) -> Step:
    what, go, button = "People", reverse("links", args=[campaign.slug]), "Invite people"
    n = campaign.memberships.filter(active=True).count()
    if n < 2:
        return Step(what, "to do", "nobody but you yet: make a link, and send it to them", go, button)
    here = f"{count(n - 1, 'person', 'people')} besides you"
    if n < campaign.min_overlap:
        said = f"{here}, and each clip asks for {campaign.min_overlap} answers: no clip can be agreed on before more come"
        return Step(what, "thin", said, go, button)
    return Step(what, "done", here, go, button)


def _gate(campaign: Campaign, n: int, in_pool: int) -> Step:
    what, go, button = "Songs with stems for the gate, of the music to learn", _add(campaign, Use.GATE), "Add gate songs"
    if not n:
        alone = in_pool == 1
        return Step(what, "to do" if alone else "may wait", WITHOUT_GATE_OF_ONE if alone else WITHOUT_GATE, go, button)
    if n < GATE_FOR_INTERVAL:
        few = "one song decides alone" if n == 1 else f"{n} songs decide"
        return Step(
            what, "thin", f"{few} whether a new model is better; {GATE_FOR_INTERVAL} or more also tell how sure that is", go, button
        )
    return Step(what, "done", count(n, "song"), go, button)


def _past(campaign: Campaign, n_replay: int, n_gate: int) -> Step:
    what, go, button = "Other music, that the model must keep", _add(campaign, Use.REPLAY, Domain.SOURCE), "Add such songs"
    if n_replay and n_gate:
        return Step(what, "done", f"{count(n_replay, 'song')} to replay, {n_gate} with stems for the gate", go, button)
    if n_replay:
        cost = "none with stems for the gate: what a new model forgets is told by songs of the pool alone, or not at all"
        return Step(what, "may wait", f"{count(n_replay, 'song')} to replay, {cost}", _add(campaign, Use.GATE, Domain.SOURCE), button)
    cost = "songs of the pool stand for them, and other kinds of music may get worse with nobody to notice; plain mixes mend that"
    return Step(what, "may wait", f"none to replay: {cost}", go, button)


def _test(campaign: Campaign, n: int) -> Step:
    what, go, button = "Songs with stems for the test", _add(campaign, Use.TEST), "Add test songs"
    if not n:
        return Step(
            what,
            "may wait",
            f"none: there are verdicts, but no figures of bleed, {campaign.wording.sound} or SDR over the rounds",
            go,
            button,
        )
    return Step(what, "done", count(n, "song"), go, button)
