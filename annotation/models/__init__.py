"""Rows of what people do: campaigns, people, tracks, tasks, answers, consensus and what happened.

All times are seconds from the start of the *track*. Files are named by keys of the content-addressed storage
(`annotation.files.storage`), never by paths. A checkpoint is named by its hash only: no foreign key points upwards.
"""

from annotation.models.answers import Mark, MissingMark, Submission
from annotation.models.campaigns import Campaign
from annotation.models.consensus import Consensus, ConsensusRegion, MissingRegion
from annotation.models.crowd_links import Link, Participation
from annotation.models.effects import Effect
from annotation.models.events import Event
from annotation.models.first_visit import Consent, FirstVisit, PracticeAnswer
from annotation.models.gold import GoldScore, GoldTruth, Pause
from annotation.models.imports import Provenance
from annotation.models.invitations import Invitation
from annotation.models.listening import ListeningClip, ListeningTest, Preference
from annotation.models.messages import Message
from annotation.models.notes import Note, Reply
from annotation.models.people import Membership, Reliability
from annotation.models.proposals import Proposal
from annotation.models.reviews import Referral
from annotation.models.sounds import ToldSound
from annotation.models.tasks import Assignment, Draft, Task
from annotation.models.tracks import Estimate, Stem, Track, TrackChange

__all__ = [
    "Assignment",
    "Campaign",
    "Consensus",
    "ConsensusRegion",
    "Consent",
    "Draft",
    "Effect",
    "Estimate",
    "Event",
    "FirstVisit",
    "GoldScore",
    "GoldTruth",
    "Invitation",
    "Link",
    "ListeningClip",
    "ListeningTest",
    "Mark",
    "Membership",
    "Message",
    "MissingMark",
    "MissingRegion",
    "Note",
    "Participation",
    "Pause",
    "PracticeAnswer",
    "Preference",
    "Proposal",
    "Provenance",
    "Referral",
    "Reliability",
    "Reply",
    "Stem",
    "Submission",
    "Task",
    "ToldSound",
    "Track",
    "TrackChange",
]
