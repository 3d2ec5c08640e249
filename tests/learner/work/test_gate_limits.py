"""The gate of a campaign goes by the limits that its people have set."""

from learner.core.judging.gate import Rules
from learner.selectors import rules_of
from tests import worlds


def test_a_campaign_begins_with_the_usual_limits_and_its_own_reach_the_gate(db: None) -> None:
    campaign = worlds.campaign()
    assert rules_of(campaign) == Rules()
    campaign.gate_gain, campaign.gate_leak_rise, campaign.gate_voice_loss, campaign.gate_forgetting = 0.2, 1.0, 3.0, 0.9
    rules = rules_of(campaign)
    assert (rules.false_positive_share, rules.false_positive_rise, rules.target_voice_loss, rules.source_loss) == (0.2, 1.0, 3.0, 0.9)
