"""What signals cost is measured beside separation."""

from learner.core.bench.signals import _figures
from tests.learner.core.separators.tiny import tiny


def test_the_cost_of_signals_is_that_of_all_ways_to_look() -> None:
    separator = tiny("unet").eval()
    alone, signals, again, by_separation, by_duration = _figures(separator, 1.0)
    assert min(alone, signals, again) > 0
    assert by_duration == signals + separator.dear_share * again and by_separation == by_duration / alone
