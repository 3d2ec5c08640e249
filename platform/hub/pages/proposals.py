"""What proposals do to people's answers, on the campaign's page."""

from __future__ import annotations

from annotation.core.proposing import Figure, Figures
from annotation.models import Campaign, Membership, Proposal
from annotation.selectors.proposals import compared
from hub.pages.fragments import Context
from learner.selectors import Turn


def section(member: Membership, turns: list[Turn]) -> Context:
    """Answers with proposals beside blind ones, each figure with its interval."""
    campaign = member.campaign
    shown, blind = compared(campaign)
    return {
        "on": campaign.proposes,
        "blind_share": round(100 * campaign.blind_share),
        "rows": [_row("with proposals", shown), _row("blind", blind)] if shown.answers or blind.answers else [],
    }


def any_made(campaign: Campaign) -> bool:
    return Proposal.objects.filter(task__campaign=campaign).exists()


def _row(name: str, found: Figures) -> Context:
    return {
        "name": name,
        "answers": found.answers,
        "tasks": found.tasks,
        "marks": _said(found.marks_per_minute),
        "agreement": _said(found.agreement),
        "accepted": _said(found.accepted),
    }


def _said(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    interval = "" if figure.low is None or figure.high is None else f" [{figure.low:.2f}, {figure.high:.2f}]"
    return f"{figure.value:.2f}{interval}"
