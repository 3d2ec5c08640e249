"""`manage.py rounds` says in the end what was gained, and is plain where that is nothing."""

import pytest
from django.core.management import call_command

from learner.models import Evaluation
from tests import worlds
from tests.hub import rounds

pytestmark = pytest.mark.django_db
LEAK = "false_positive_seconds_per_minute"


def printed(verdict: str, capsys: pytest.CaptureFixture[str], **of_child: float) -> str:
    campaign = rounds.campaign()
    round_ = rounds.listening(campaign)
    rounds.figures(campaign, round_.parent, **({LEAK: 5.0} if of_child else {}))
    rounds.judged(round_, worlds.member(campaign), verdict, "child", **of_child)
    Evaluation.objects.filter(metric=LEAK).update(low=1.25, high=7.5)
    call_command("rounds", "bleed")
    return capsys.readouterr().out


def test_what_was_gained_is_said_with_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed("promoted", capsys, **{LEAK: 3.0})
    assert "false positives 5.00 [1.25, 7.50] -> 3.00 [1.25, 7.50] s/min, at the base's voice level unknown" in " ".join(said.split())
    assert "1.2 … 7.5" in said


def test_where_every_child_was_refused_nothing_was_gained(capsys: pytest.CaptureFixture[str]) -> None:
    assert "In all, nothing was gained: no child took the base's place." in printed("refused", capsys, **{LEAK: 3.0})


def test_without_test_songs_no_empty_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed("promoted", capsys)
    assert "test songs │" not in said and "what it changed was not measured" in said
