"""What choosing gained, on the campaign's page: chosen clips against those drawn at random."""

from __future__ import annotations

from itertools import groupby

from django.urls import reverse

from annotation.core.words import count
from annotation.models import Campaign, Membership
from hub.pages.charts.chart import Chart, Series
from hub.pages.fragments import ROUNDS_SHOWN, Context
from learner import selectors
from learner.core.choosing.gain import Gain
from learner.selectors import Choice, Choices, Found, Turn


def section(member: Membership, turns: list[Turn]) -> Context:
    """How clips are chosen now, and round by round what that gained."""
    campaign = member.campaign
    found = selectors.choices(campaign)
    several = len(found.rounds) > 1
    rows = [_row(one) for one in reversed(found.rounds)]
    told = selectors.foretold(turns)[::-1]
    return {
        "how": how(campaign),
        "rows": rows[:ROUNDS_SHOWN] + ([_row(found.whole)] if several else []),
        "earlier": rows[ROUNDS_SHOWN:],
        "last": f"Round {found.rounds[-1].number}: {saved(found.rounds[-1].gain)}" if found.rounds else "",
        "chart": _chart(found, campaign),
        "foretold": told[:ROUNDS_SHOWN],
        "foretold_earlier": told[ROUNDS_SHOWN:],
        "unheard": not found.rounds,
    }


def how(campaign: Campaign) -> str:
    """By which strategy clips are chosen, and how many are drawn at random."""
    name, _, meaning = campaign.get_choosing_display().partition(": ")
    share = f"{100 * campaign.random_share:.0f} % of a round's clips are drawn at random, as the control group."
    if not campaign.random_share:
        share = "No clips are drawn at random (the random share is 0), so what choosing gains stays unknown."
    most = f"A round has at most {count(campaign.clips_per_track, 'clip')} of a song."
    return f"The next clips are chosen by the strategy “{name}”: {meaning}. {share} {most}"


def _row(choice: Choice) -> Context:
    return {
        "what": f"Round {choice.number}" if choice.number is not None else "All rounds",
        "strategies": ", ".join(choice.strategies),
        "rates": [choice.gain.chosen, choice.gain.control],
        "saved": choice.gain.saved,
        "low": choice.gain.low,
        "high": choice.gain.high,
        "doubtful": doubtful(choice.gain),
    }


def doubtful(gain: Gain) -> bool:
    """Whether what was saved, or lost, may well be chance."""
    return gain.low is None or (gain.low <= 0 and (gain.high is None or gain.high >= 0))


def saved(gain: Gain) -> str:
    """What the choice saved, with the condition under which that is true."""
    chosen, control = gain.chosen, gain.control
    if not chosen.n:
        return "people have agreed on no chosen clip yet."
    if not control.n:
        return "people have agreed on no clip of the control group yet, so nobody can say what choosing saved."
    if gain.saved is None:
        nothing = f"nothing was found in {count(control.n, 'clip')} drawn at random"
        return f"{nothing}, and {chosen.found:.1f} s in {count(chosen.n, 'chosen clip')}; what that saved cannot be put into minutes."
    told = f"this round's choice {'saved' if gain.saved >= 0 else 'cost'} about {_minutes(abs(gain.saved))} of clips to listen to"
    if gain.low is not None:
        upper = f"to {_number(gain.high)}" if gain.high is not None else "without an upper limit"
        told += f" (95 % interval from {_number(gain.low)} {upper})"
    rate = f"{control.value:.1f} s a minute, as {count(control.n, 'clip')} of the control group did"
    found = f"the {chosen.found:.1f} s found in {_minutes(chosen.minutes)} of chosen clips"
    told += f": if random clips go on to hold {rate}, {found} would have taken {_minutes(gain.saved + chosen.minutes)} of them."
    return told + (" With so few clips that may be chance." if doubtful(gain) else "")


def _minutes(minutes: float) -> str:
    return f"{_number(minutes)} minutes"


def _number(minutes: float) -> str:
    return f"{minutes:.0f}" if abs(minutes) >= 10 else f"{minutes:.1f}"


def _chart(found: Choices, campaign: Campaign) -> Chart | None:
    """Both groups over the minutes listened to; a line needs a point besides its beginning. A point leads to the round that ends there."""
    groups = {"chosen clips": found.chosen, "drawn at random": found.control}
    lines = {label: dict(_points(one)) for label, one in groups.items() if one.minutes[-1] > 0}
    if not lines:
        return None
    at = sorted({minutes for line in lines.values() for minutes in line})
    ends = _rounds_at(found)
    return Chart(
        "chart-found",
        "False-positive seconds found, over minutes of clips that people agreed on",
        at,
        "minutes of clips",
        "seconds found",
        [Series(label, [line.get(minutes) for minutes in at], colour=n, spans=True) for n, (label, line) in enumerate(lines.items())],
        names=[f"{minutes:.1f} minutes" + (f", round {ends[minutes]}" if minutes in ends else "") for minutes in at],
        links=[reverse("round", args=[campaign.slug, ends[minutes]]) if minutes in ends else "" for minutes in at],
        from_zero=True,
        about="The steeper, the more a minute of listening finds.",
    )


def _rounds_at(found: Choices) -> dict[float, int]:
    """Minutes at which a round ended in either group -> its number."""
    numbers = [one.number for one in found.rounds if one.number is not None]
    return {
        round(minutes, 4): number
        for group in (found.chosen, found.control)
        for minutes, number in zip(group.minutes[1:], numbers, strict=True)
    }


def _points(found: Found) -> list[tuple[float, float]]:
    """The last of those at the same minute: rounds without a clip of the group add none."""
    points = zip(found.minutes, found.seconds, strict=True)
    return [(round(minutes, 4), list(same)[-1][1]) for minutes, same in groupby(points, key=lambda point: point[0])]
