"""The state of the loop, in sentences that people read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.timezone import localtime

from annotation.models import Campaign, Event, Membership, Reliability
from annotation.selectors.rounds import Progress
from learner.models import WAITS_FOR_ROOM, Adaptation, Job, Round
from learner.selectors import Turn


def count(n: int, one: str, many: str = "") -> str:
    """`count(1, "mark")` -> "1 mark", `count(3, "mark")` -> "3 marks"."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def state(campaign: Campaign, turn: Turn | None, progress: Progress | None, has_model: bool, in_pool: int) -> str:
    """Where the loop stands now, in one sentence; an empty campaign's says what to do."""
    if turn is None or progress is None:
        return _before_the_first(campaign, has_model, in_pool)
    if turn.round.finished is None:
        return f"Round {turn.round.number}: {_under_way(turn, progress)}"
    return f"{ended(turn)} {_next(campaign, turn, in_pool)}"


def _before_the_first(campaign: Campaign, has_model: bool, in_pool: int) -> str:
    if not in_pool:
        return "Nothing to listen to yet: the campaign has no songs in its pool."
    if not has_model:
        return "The songs are there, but the campaign has no model yet."
    return "The first round has not begun: the campaign is paused." if campaign.paused else "The first round begins in a moment."


def _under_way(turn: Turn, progress: Progress) -> str:
    if until := turn.round.reviewers_until:
        clips = count(progress.in_review, "clip")
        return f"people disagree; it waits for its reviewers to decide {clips}, until {localtime(until):%Y-%m-%d %H:%M} at the latest."
    if turn.round.state == Round.State.ANNOTATING:
        return f"people are listening, {progress.answers} of {count(progress.wanted, 'answer')}."
    job = turn.round.scoring if turn.round.state == Round.State.SCORING else turn.adaptation.job if turn.adaptation else None
    work = (
        "choosing the clips most worth a person's minute" if turn.round.state == Round.State.SCORING else "the model learns from the marks"
    )
    if job and job.waits_for_room:
        return f"{work}; it {WAITS_FOR_ROOM}, and goes on by itself."
    if job and job.state == Job.State.QUEUED:
        again = f" again (attempt {job.attempt + 1})" if job.attempt else ""
        return f"{work}; waiting for a worker{again}."
    return f"{work}, {job.percent} %." if job and job.total else f"{work}."


def ended(turn: Turn) -> str:
    """How a finished round ended."""
    how = {
        Round.State.PROMOTED: "made the model better, and everybody hears the new one",
        Round.State.REFUSED: "changed nothing: the gate refused what the model had learned",
        Round.State.EMPTY: "ended without marks that people or reviewers agreed on, so there was nothing to learn",
        Round.State.EXHAUSTED: "found no clips that were not listened to before",
        Round.State.FAILED: "failed",
    }
    return f"Round {turn.round.number} {how.get(Round.State(turn.round.state), 'is over')}."


def _next(campaign: Campaign, turn: Turn, in_pool: int) -> str:
    if turn.round.state == Round.State.EXHAUSTED:
        return "The campaign is done, unless songs are added or put back."
    if turn.round.state == Round.State.FAILED:
        return "Look at the reason below, mend it, and let the loop go on with the button “Go on with rounds”."
    if campaign.max_rounds is not None and turn.round.number >= campaign.max_rounds:
        return "That was the last of the rounds asked for."
    if not in_pool:
        return "No song is left in the pool: put one back, or add some."
    return "No new round begins while the campaign is paused." if campaign.paused else "The next one begins in a moment."


JOBS = {
    Job.Kind.SCORE: "Choosing clips",
    Job.Kind.ADAPT: "Adapting the model",
    Job.Kind.BASELINE: "Replay without feedback, for comparison",
}


def job(job: Job) -> str:
    """What a job is for."""
    return JOBS[Job.Kind(job.kind)]


def took(job: Job) -> str:
    """How long the last attempt of a finished job worked."""
    if not job.started or not job.finished:
        return ""
    seconds = round((job.finished - job.started).total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min {seconds % 60} s"


def verdict(turn: Turn) -> str:
    """What the gate said of a round's child, in a word or two; empty before that."""
    if turn.adaptation is None:
        return ""
    return {
        Adaptation.Verdict.PENDING: "not judged yet",
        Adaptation.Verdict.PROMOTED: "promoted",
        Adaptation.Verdict.REFUSED: "refused",
        Adaptation.Verdict.STALE: "stale: another checkpoint became current meanwhile",
        Adaptation.Verdict.FAILED: "failed",
    }[Adaptation.Verdict(turn.adaptation.verdict)]


ROLES = {
    Membership.Role.OWNER: "owner",
    Membership.Role.MANAGER: "manager",
    Membership.Role.REVIEWER: "reviewer",
    Membership.Role.ANNOTATOR: "annotator",
}


def reliability(fit: Reliability | None) -> tuple[str, str]:
    """How a person marks, in a word and in a sentence."""
    if fit is None:
        return "not known yet", "is worked out when a round is frozen"
    sentence = f"finds {fit.sensitivity:.0%} of the bleed, leaves {fit.specificity:.0%} of the rest alone".replace("%", " %")
    # One that marks without listening has sensitivity + specificity = 1, whatever its share of marks.
    if fit.sensitivity + fit.specificity < 1.15:
        return "like guessing", sentence
    if fit.specificity < 0.85:
        return "marks too much", sentence
    return "misses much" if fit.sensitivity < 0.5 else "reliable", sentence


METRICS: dict[str, tuple[str, str, str]] = {
    "false_positive_seconds_per_minute": ("Leak", "s/min", "false-positive seconds per minute: the voice rests, the estimate does not"),
    "pes_dbfs": ("Leak level", "dBFS", "energy of the estimate where the voice rests (PES); silence has none"),
    "voice_kept_db": ("Voice kept", "dB", "how much of the true voice is still there where somebody sings; 0 is all of it"),
    "sdr_mean": ("SDR mean", "dB", "over active one-second frames; silence scores 0"),
    "sdr_median": ("SDR median", "dB", "over active one-second frames; silence scores 0"),
    "song_sdr": ("Song SDR", "dB", "over whole songs"),
    "si_sdr": ("SI-SDR", "dB", "blind to loudness: turning it down changes nothing"),
    "false_positives_at_parent_level": ("Leak, parent's level", "s/min", "after scaling each song to the voice level of the parent"),
    "false_positives_at_base_level": ("Leak, base's level", "s/min", "after scaling each song to the voice level of the base"),
}
"""Metric -> (heading, unit, what it means)."""


def _answered(after: dict[str, Any]) -> str:
    marks = count(after.get("marks", 0), "mark") if after.get("marks") else "nothing wrong heard"
    extra = {"surplus": "; kept, though the task was full already", "too soon": "; not counted, sooner than the clip can be heard"}
    return f"answered task {after.get('task')}: {marks}{extra.get(str(after.get('status')), '')}"


def _frozen(after: dict[str, Any]) -> str:
    regions, clips = count(after.get("regions", 0), "region"), count(after.get("clips", 0), "clip")
    return f"froze the feedback of round {after.get('round')}: {regions} in {clips}"


def _fields(before: dict[str, Any]) -> str:
    return ", ".join(name.replace("_", " ") for name in before) or "nothing"


def _short(values: dict[str, Any]) -> str:
    return str(values.get("checkpoint", "?"))[:8]


SENTENCES: dict[str, Callable[[dict[str, Any], dict[str, Any]], str]] = {
    "campaign.created": lambda before, after: "made the campaign",
    "campaign.paused": lambda before, after: "paused the rounds",
    "campaign.resumed": lambda before, after: "let the rounds go on",
    "campaign.changed": lambda before, after: f"({after.get('by')}) changed the rules: {_fields(before)}",
    "member.joined": lambda before, after: f"joined as {after.get('role', 'member')}",
    "member.welcomed": lambda before, after: "finished the first visit",
    "member.qualified": lambda before, after: "qualified on gold tasks",
    "member.paused": lambda before, after: (
        f"was paused: {after.get('score', 0):.2f} on gold tasks, {after.get('wanted', 0):.2f} is asked for"
    ),
    "member.appealed": lambda before, after: "appealed against a pause",
    "pause.lifted": lambda before, after: f"lifted the pause of {after.get('member')}",
    "pause.upheld": lambda before, after: f"let the pause of {after.get('member')} stand",
    "consent.given": lambda before, after: f"consented to version {after.get('version')}",
    "consent.withdrawn": lambda before, after: "withdrew consent" + (", and every answer" if after.get("answers") else ""),
    "member.changed": lambda before, after: f"({after.get('by')}) changed a member: {_fields(before)}",
    "link.created": lambda before, after: f"made a crowd link ({after.get('kind')})",
    "link.changed": lambda before, after: "changed how many people from one address a crowd link lets in",
    "link.stopped": lambda before, after: (
        f"let nobody more in from address {after.get('from')} for now: {count(after.get('limit', 0), 'person', 'people')} within an hour"
    ),
    "link.revoked": lambda before, after: "revoked a crowd link",
    "link.taken": lambda before, after: "came by a crowd link",
    "participation.finished": lambda before, after: f"finished {after.get('member')}'s part: all that was asked is done",
    "participation.reclaimed": lambda before, after: f"freed the place of {after.get('member')}: {after.get('state')}",
    "participation.settled": lambda before, after: f"noted that the work of {after.get('member')} was {after.get('state')}",
    "participation.excluded": lambda before, after: f"took {count(after.get('answers', 0), 'answer')} of {after.get('member')} out",
    "track.added": lambda before, after: f"added the song {after.get('name')} ({after.get('use')}, {after.get('domain')})",
    "track.set_aside": lambda before, after: f"set the song {after.get('name')} ({after.get('use')}) aside: {after.get('reason')}",
    "track.left_out": lambda before, after: f"left the song {after.get('name')} ({after.get('use')}) out, which had been set aside",
    "track.put_back": lambda before, after: f"put the song {after.get('name')} ({after.get('use')}) back",
    "tasks.opened": lambda before, after: f"opened {count(after.get('tasks', 0), 'task')} for round {after.get('round')}",
    "tasks.withdrawn": lambda before, after: (
        f"withdrew {count(after.get('tasks', 0), 'untouched task')} of {before.get('name') or _short(before)}"
    ),
    "task.skipped": lambda before, after: f"skipped task {after.get('task')}: {after.get('reason')}",
    "task.skip_undone": lambda before, after: f"took the skip of task {after.get('task')} back",
    "task.one_more": lambda before, after: f"asked one more person for task {after.get('task')}: too little agreement",
    "task.closed": lambda before, after: f"closed task {after.get('task')}: {count(after.get('regions', 0), 'region')} agreed on",
    "task.contested": lambda before, after: f"left task {after.get('task')} to a reviewer: people did not agree enough",
    "review.accepted": lambda before, after: f"accepted what the crowd found in task {after.get('task')}",
    "review.edited": lambda before, after: f"decided task {after.get('task')}: {count(after.get('regions', 0), 'region')}",
    "review.took": lambda before, after: f"decided task {after.get('task')} as one person had answered it",
    "review.undone": lambda before, after: f"took the decision on task {after.get('task')} back",
    "review.sent_back": lambda before, after: f"sent task {after.get('task')} back for more answers",
    "submission.kept": lambda before, after: _answered(after),
    "simulation.guessed": lambda before, after: (
        f"took {count(after.get('answers', 0), 'guessed answer')} of simulated annotators, on songs without stems"
    ),
    "feedback.frozen": lambda before, after: _frozen(after),
    "round.opened": lambda before, after: f"opened round {after.get('round')} with checkpoint {_short(after)}",
    "round.waits": lambda before, after: f"kept round {after.get('round')} open for its reviewers, for {after.get('hours')} h at most",
    "round.finished": lambda before, after: f"ended round {after.get('round')}: the child was {after.get('verdict')}",
    "round.empty": lambda before, after: f"ended round {after.get('round')}: nothing was marked",
    "job.done": lambda before, after: f"finished a job: {JOBS.get(after.get('kind', ''), 'work').lower()}",
    "job.failed": lambda before, after: f"gave up a job ({JOBS.get(after.get('kind', ''), 'work').lower()}): {after.get('reason')}",
    "model.shared": lambda before, after: f"gave the campaign its first checkpoint, {_short(after)}",
    "model.promoted": lambda before, after: f"promoted checkpoint {_short(after)} over {_short(before)}",
    "model.rolled_back": lambda before, after: f"rolled back from {_short(before)} to {_short(after)}",
}


BRIEFLY = {
    "submission.kept": "answered a task",
    "task.skipped": "skipped a task",
    "task.skip_undone": "took a skip back",
    "track.set_aside": "set a song aside",
}
"""Of others' work, without numbers: whoever could count the answers to each task would know the gold ones. Managers' reasons are theirs."""


def event(event: Event, *, whole: bool = True) -> str:
    """What happened, as the rest of a sentence that begins with who did it; not `whole`: as annotators read it of each other."""
    if not whole and event.what in BRIEFLY:
        return BRIEFLY[event.what]
    if sentence := SENTENCES.get(event.what):
        return sentence(event.before or {}, event.after or {})
    return event.what.replace(".", ": ").replace("_", " ")
