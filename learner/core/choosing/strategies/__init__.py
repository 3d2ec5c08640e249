"""Ways of choosing the clips that people hear next, one a file, all alike from outside."""

from learner.core.choosing.strategies.coverage import Coverage
from learner.core.choosing.strategies.expected import Expected
from learner.core.choosing.strategies.interface import Pick, Quota, Strategy
from learner.core.choosing.strategies.leak_aware import LeakAware
from learner.core.choosing.strategies.uncertainty import NoisyUncertainty, Uncertainty
from learner.core.choosing.strategies.uniform import Uniform

BY_NAME: dict[str, Strategy] = {
    one.name: one for one in (Uniform(), LeakAware(), Uncertainty(), NoisyUncertainty(), Coverage(), Expected())
}
DEFAULT = "expected"

__all__ = ["BY_NAME", "DEFAULT", "Pick", "Quota", "Strategy"]
