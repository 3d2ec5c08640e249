"""Rows of what the machine does: rounds, feedback, adaptations, jobs, checkpoints, evaluations, scores."""

from learner.models.checkpoints import Checkpoint, ChosenBase, FileRemoved, ReleasedFile, SharedModel, UnfitCheckpoint, check_stem
from learner.models.exports import Export
from learner.models.figures import Evaluation, Score, Separation, Signals, SongFigures
from learner.models.imports import DataImport
from learner.models.intakes import Intake, Upload
from learner.models.jobs import DEAD_AFTER, DELETED, MAX_ATTEMPTS, MOST_SAID, WAITS_FOR_ROOM, Job, Lost
from learner.models.remakes import Remake
from learner.models.rounds import Adaptation, FeedbackClip, FeedbackItem, FeedbackSet, JudgedSong, Round
from learner.models.sent import SentSong
from learner.models.trials import Trial, TriedSong
from learner.models.uploaded import UploadedBase
from learner.models.written import WrittenCheckpoint

__all__ = [
    "DEAD_AFTER",
    "DELETED",
    "MAX_ATTEMPTS",
    "MOST_SAID",
    "WAITS_FOR_ROOM",
    "Adaptation",
    "Checkpoint",
    "ChosenBase",
    "DataImport",
    "Evaluation",
    "Export",
    "FeedbackClip",
    "FeedbackItem",
    "FeedbackSet",
    "FileRemoved",
    "Intake",
    "Job",
    "JudgedSong",
    "Lost",
    "ReleasedFile",
    "Remake",
    "Round",
    "Score",
    "SentSong",
    "Separation",
    "SharedModel",
    "Signals",
    "SongFigures",
    "Trial",
    "TriedSong",
    "UnfitCheckpoint",
    "Upload",
    "UploadedBase",
    "WrittenCheckpoint",
    "check_stem",
]
