"""The documented way to consensus, which others import: `from annotation.consensus import agree`. It is at home in `core.consensus`."""

from annotation.core.consensus import Agreement, Closed, ConsensusRegion, Key, Person, Prior, agree, certainty, close_one, not_tie_breakers

__all__ = ["Agreement", "Closed", "ConsensusRegion", "Key", "Person", "Prior", "agree", "certainty", "close_one", "not_tie_breakers"]
