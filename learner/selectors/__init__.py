"""Questions about the loop that span tables: its rounds, its figures, its checkpoints, and what waits for a person. They change nothing."""

from learner.selectors.checkpoints import Made, checkpoints, chosen_base, current_checkpoint, line_of, made_by
from learner.selectors.choosing import Choice, Choices, Foretold, Found, choices, foretold
from learner.selectors.figures import (
    DOMAINS,
    Figure,
    Figures,
    Row,
    Table,
    base_table,
    campaign_table,
    checkpoint_table,
    figures,
    round_table,
)
from learner.selectors.jobs import Spent, WorkedFor, ahead_of, jobs, spent, to_come, usual_minutes, worked_for
from learner.selectors.judged import Judged, Together, decided, judged_songs, rules_of, together
from learner.selectors.lacks import lacks, said_of_pool
from learner.selectors.lineage import Change, base_changes, base_in_use, base_of, lineage, used_before
from learner.selectors.one_song import fits_one_song, is_judged_by_ear
from learner.selectors.recipes import DryRun, cannot_work, dry_run
from learner.selectors.rounds import Turn, history, scoring_the_rest
from learner.selectors.trials import Tried, songs_to_try, trials
from learner.selectors.troubles import Trouble, troubles

__all__ = [
    "DOMAINS",
    "Change",
    "Choice",
    "Choices",
    "DryRun",
    "Figure",
    "Figures",
    "Foretold",
    "Found",
    "Judged",
    "Made",
    "Row",
    "Spent",
    "Table",
    "Together",
    "Tried",
    "Trouble",
    "Turn",
    "WorkedFor",
    "ahead_of",
    "base_changes",
    "base_in_use",
    "base_of",
    "base_table",
    "campaign_table",
    "cannot_work",
    "checkpoint_table",
    "checkpoints",
    "choices",
    "chosen_base",
    "current_checkpoint",
    "decided",
    "dry_run",
    "figures",
    "fits_one_song",
    "foretold",
    "history",
    "is_judged_by_ear",
    "jobs",
    "judged_songs",
    "lacks",
    "line_of",
    "lineage",
    "made_by",
    "round_table",
    "rules_of",
    "said_of_pool",
    "scoring_the_rest",
    "songs_to_try",
    "spent",
    "to_come",
    "together",
    "trials",
    "troubles",
    "used_before",
    "usual_minutes",
    "worked_for",
]
