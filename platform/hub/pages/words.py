"""The state of the loop, in sentences that people read."""

from __future__ import annotations

from collections.abc import Callable

from annotation.core import words
from annotation.core.stems import Wording
from annotation.core.words import Values, count
from annotation.models import Campaign, Event
from annotation.selectors.rounds import Progress
from learner.models import WAITS_FOR_ROOM, Adaptation, Job, Round, Trial
from learner.selectors import Table, Turn


def state(campaign: Campaign, turn: Turn | None, progress: Progress | None, has_model: bool, in_pool: int) -> str:
    """Where the loop stands now, in one sentence; an empty campaign's says what to do."""
    if campaign.ended:
        return f"The campaign has ended. {_at_the_end(turn, progress)}".strip()
    if turn is None or progress is None:
        return _before_the_first(campaign, has_model, in_pool)
    if turn.round.finished is None:
        return f"Round {turn.round.number}: {_under_way(turn, progress, by_hand=campaign.learns_by_hand)}"
    return f"{ended(turn)} {_next(campaign, turn, in_pool)}"


def _at_the_end(turn: Turn | None, progress: Progress | None) -> str:
    """How far a campaign came that has ended."""
    if turn is None or progress is None:
        return ""
    if turn.round.finished is not None:
        return ended(turn)
    if turn.round.state == Round.State.ANNOTATING:
        return f"Round {turn.round.number} stays as it is, with {progress.answers} of {count(progress.wanted, 'answer')}."
    return f"Round {turn.round.number}: {_under_way(turn, progress, by_hand=turn.round.campaign.learns_by_hand)}"


def _before_the_first(campaign: Campaign, has_model: bool, in_pool: int) -> str:
    if not in_pool:
        return "Nothing to listen to yet: the campaign has no songs in its pool."
    if not has_model:
        return "The songs are there, but the campaign has no model yet: its owner or a manager chooses the base that it begins with."
    if campaign.held_up and not campaign.paused:
        return f"The first round waits. {campaign.held_up}"
    return "The first round has not begun: the campaign is paused." if campaign.paused else "The first round begins in a moment."


def _under_way(turn: Turn, progress: Progress, *, by_hand: bool) -> str:
    if until := turn.round.reviewers_until:
        clips = count(progress.in_review, "clip")
        return f"people disagree; it waits for its reviewers to decide {clips}, until {words.moment(until)} at the latest."
    if turn.round.state == Round.State.ANNOTATING and turn.round.campaign.held_up:
        return f"the model cannot learn from it now. {turn.round.campaign.held_up}"
    if turn.round.state == Round.State.ANNOTATING and by_hand and progress.closed >= progress.tasks:
        return "all clips are answered; the model learns when a manager presses “Freeze now”."
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
    if turn.round.state == Round.State.EXHAUSTED and turn.round.scoring.reason:
        return f"Round {turn.round.number} asked nobody: hardly any song of the pool leaks."
    how = {
        Round.State.PROMOTED: "made the model better, and the new one was promoted",
        Round.State.REFUSED: "changed nothing: the gate refused what the model had learned",
        Round.State.EMPTY: "ended without marks that people or reviewers agreed on, so there was nothing to learn. "
        "Where nothing leaks, more rounds of the same songs bring no more",
        Round.State.EXHAUSTED: "had no clips to ask about" if _left(turn) else "found no clips that were not listened to before",
        Round.State.FAILED: "was cancelled" if any(one.state == Job.State.CANCELLED for one in turn.jobs) else "failed",
    }
    return f"Round {turn.round.number} {how.get(Round.State(turn.round.state), 'is over')}."


def _next(campaign: Campaign, turn: Turn, in_pool: int) -> str:
    if turn.round.state == Round.State.EXHAUSTED and turn.round.scoring.reason:
        return "Put others in, and let rounds go on; or let them go on all the same."
    if turn.round.state == Round.State.EXHAUSTED:
        return _run_out(turn)
    if turn.round.state == Round.State.FAILED and any(one.state == Job.State.CANCELLED for one in turn.jobs):
        return "Have its job tried again below, or go on with another round."
    if turn.round.state == Round.State.FAILED:
        return "Look at the reason below, mend it, and let the loop go on with the button “Go on with rounds”."
    if campaign.max_rounds is not None and turn.round.number >= campaign.max_rounds:
        return "That was the last of the rounds asked for; “Last round” in the settings lets more follow."
    if not in_pool:
        return "No song is left in the pool: put one back, or add some."
    if campaign.held_up and not campaign.paused:
        return f"The next one waits. {campaign.held_up}"
    return "No new round begins while the campaign is paused." if campaign.paused else "The next one begins in a moment."


def _left(turn: Turn) -> int:
    """Clips of the pool that a round without any left over: none, where everything was heard."""
    return int(turn.round.choosing.get("left", 0)) + int(turn.round.choosing.get("left_apart", 0))


def _run_out(turn: Turn) -> str:
    """What is left to hear of a pool in which a round found nothing to ask about."""
    if not _left(turn):
        return "Everything in the pool was heard. The campaign is done, unless songs are added or put back, or somebody lets it look again."
    if not turn.round.choosing.get("left"):
        left = count(int(turn.round.choosing["left_apart"]), "clip")
        return f"{left} of songs kept apart for the gate are not heard yet: rounds have such clips from 3 clips a round on."
    return f"{count(_left(turn), 'clip')} are not heard yet, and none could be used: look at the songs set aside, then let it look again."


JOBS = {
    Job.Kind.SCORE: "Choosing clips",
    Job.Kind.ADAPT: "Adapting the model",
    Job.Kind.BASELINE: "Replay without feedback, for comparison",
    Job.Kind.BASE: "Bringing the base",
    Job.Kind.RESCORE: "Scoring the rest of the pool",
    Job.Kind.INGEST: "Taking songs in",
    Job.Kind.TRIAL: "Trying a base on the campaign's songs",
    Job.Kind.SEPARATE: "Separating one song to be heard",
    Job.Kind.IMPORT: "Bringing answers in",
    Job.Kind.CHECK: "Looking at an uploaded base",
    Job.Kind.REMAKE: "Making a checkpoint again, to compare",
    Job.Kind.EXPORT: "Writing data out",
    Job.Kind.SYNC: "Keeping in step with Label Studio",
    Job.Kind.WEIGHTS: "Writing a checkpoint for other tools",
    Job.Kind.SONG: "Separating a song that somebody sent",
}


def job(job: Job) -> str:
    """What a job is for."""
    return JOBS[Job.Kind(job.kind)]


def waits(job: Job, ahead: int) -> str:
    """Why a queued job is not at work yet."""
    if job.waits_for_room:
        return f"{job.doing.capitalize()}. It goes on by itself, within a minute of there being room."
    before = f"{count(ahead, 'job')} of this and other campaigns" if ahead else ""
    if job.gives_way:
        held = f"; now {before} come first" if ahead else "; none does now, so it begins within a minute"
        return f"Nobody waits for it: it is done when no other job of any campaign waits for a worker{held}."
    return (
        f"It waits for {before}." if ahead else "It waits for a worker to be free; if none takes it within a minute, see whether one runs."
    )


def lasting(seconds: float) -> str:
    """About how long, as people say it: 45 s, 12 min, 3.5 h."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


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


def metrics(wording: Wording) -> dict[str, tuple[str, str, str]]:
    """Metric -> (heading, unit, what it means), where such a stem is extracted."""
    scaled = f"after scaling each song to the {wording.sound} level of the"
    return {
        "false_positive_seconds_per_minute": (
            "Leak",
            "s/min",
            f"false-positive seconds per minute: {wording.resting}, the estimate does not",
        ),
        "pes_dbfs": ("Leak level", "dBFS", f"energy of the estimate where {wording.resting} (PES); silence has none"),
        "voice_kept_db": (
            wording.kept,
            "dB",
            f"how much of the true {wording.sound} is still there where {wording.plays}; 0 is all of it",
        ),
        "sdr_mean": ("SDR mean", "dB", "over active one-second frames; silence scores 0"),
        "sdr_median": ("SDR median", "dB", "over active one-second frames; silence scores 0"),
        "song_sdr": ("Song SDR", "dB", "over whole songs"),
        "si_sdr": ("SI-SDR", "dB", "blind to loudness: turning it down changes nothing"),
        "false_positives_at_parent_level": ("Leak, parent's level", "s/min", f"{scaled} parent"),
        "false_positives_at_base_level": ("Leak, base's level", "s/min", f"{scaled} base"),
    }


def compared(table: Table, wording: Wording) -> list[str]:
    """What the second row of a table has other than the first, a sentence for each kind of songs."""
    before, after = table
    shown = {
        "false_positive_seconds_per_minute": ("false positives", "s/min"),
        "voice_kept_db": (f"true {wording.sound} kept", "dB"),
        "song_sdr": ("song SDR", "dB"),
    }
    told = []
    for domain, old in before.figures.items():
        new = after.figures[domain]
        moved = [
            f"{name} {old[metric].value:.2f} before, {new[metric].value:.2f} now ({unit})"
            for metric, (name, unit) in shown.items()
            if metric in old and metric in new and None not in (old[metric].value, new[metric].value)
        ]
        if moved:
            told.append(f"{domain.capitalize()} gate songs: {'; '.join(moved)}.")
    return told


def _moved(before: Values, after: Values) -> str:
    old, new = before.get("priority", 0), after.get("priority", 0)
    return f"{'up' if new > old else 'down'}, from priority {old} to {new}"


def _frozen(after: Values) -> str:
    regions, clips = count(after.get("regions", 0), "region"), count(after.get("clips", 0), "clip")
    why = f", since {after['why']}" if after.get("why") else ""
    return f"froze the feedback of round {after.get('round')}: {regions} in {clips}{why}"


SENTENCES: dict[str, Callable[[Values, Values], str]] = words.SENTENCES | {
    "token.made": lambda before, after: (
        f"made the token “{after.get('name')}” for a program, which may {'read and write' if after.get('writes') else 'only read'}"
    ),
    "webhook.made": lambda before, after: (
        f"made a webhook to {after.get('host')}, for {count(len(after.get('events', ())), 'kind')} of event"
    ),
    "webhook.changed": lambda before, after: (
        f"changed the webhook to {after.get('host')}" + ("" if after.get("active") else ", which is switched off")
    ),
    "webhook.removed": lambda before, after: f"removed the webhook to {after.get('host')}",
    "webhook.secret_changed": lambda before, after: f"gave the webhook to {after.get('host')} another secret",
    "webhook.gone": lambda before, after: f"switched the webhook to {after.get('host')} off: its server answered that it is gone",
    "token.revoked": lambda before, after: f"revoked the token “{after.get('name')}”",
    "proposals.taken_back": lambda before, after: f"took back what was proposed for {count(after.get('tasks', 0), 'clip')}",
    "simulation.guessed": lambda before, after: (
        f"took {count(after.get('answers', 0), 'guessed answer')} of simulated annotators, on songs without stems"
    ),
    "campaign.deleted": lambda before, after: "deleted the campaign",
    "campaign.restored": lambda before, after: "undid the deletion of the campaign",
    "feedback.frozen": lambda before, after: _frozen(after),
    "round.opened": lambda before, after: f"opened round {after.get('round')} with checkpoint {words.short_hash(after)}",
    "pool.looked_through": lambda before, after: (
        "looked through the pool: hardly any song leaks" if after.get("quiet") else "looked through the pool"
    ),
    "round.waits": lambda before, after: f"kept round {after.get('round')} open for its reviewers, for {after.get('hours')} h at most",
    "round.finished": lambda before, after: f"ended round {after.get('round')}: the child was {after.get('verdict')}",
    "round.empty": lambda before, after: f"ended round {after.get('round')}: nothing was marked",
    "job.done": lambda before, after: f"finished a job: {JOBS.get(after.get('kind', ''), 'work').lower()}",
    "campaign.held_up": lambda before, after: (
        f"lets the rounds wait: {after['reason']}" if after.get("reason") else "lets the rounds go on"
    ),
    "job.failed": lambda before, after: f"gave up a job ({JOBS.get(after.get('kind', ''), 'work').lower()}): {after.get('reason')}",
    "job.cancelled": lambda before, after: f"cancelled a job: {JOBS.get(after.get('kind', ''), 'work').lower()}",
    "job.retried": lambda before, after: f"had a job tried again: {JOBS.get(after.get('kind', ''), 'work').lower()}",
    "job.moved": lambda before, after: (
        f"({after.get('by')}) moved a job ({JOBS.get(after.get('kind', ''), 'work').lower()}) {_moved(before, after)}"
    ),
    "base.chosen": lambda before, after: (
        f"chose the base {after.get('base')} for the campaign to {'go on from' if after.get('another') else 'begin with'}"
    ),
    "base.sent": lambda before, after: f"sent {after.get('file')} as the base {after.get('base')}",
    "base.uploaded": lambda before, after: (
        f"brought the base {after.get('base')} (licence {after.get('licence')}), checkpoint {words.short_hash(after)}"
    ),
    "checkpoint.remade": lambda before, after: f"had checkpoint {words.short_hash(after)} made again, to compare",
    "checkpoint.compared": lambda before, after: (
        f"made checkpoint {words.short_hash(after)} again: {'the same file to the last bit' if after.get('same') else 'another file'}"
    ),
    "base.tried": lambda before, after: (
        f"had the base {'of the campaign' if after.get('base') == Trial.OWN else after.get('base')} tried on "
        f"{count(after.get('songs', 0), 'song')}"
    ),
    "import.begun": lambda before, after: (
        f"brought {count(after.get('files', 1), 'file')} with {after.get('as', 'answers')} in, to be looked at"
    ),
    "import.agreed": lambda before, after: f"had what is in {after.get('file')} imported",
    "songs.sent": lambda before, after: (
        f"had {count(after.get('files', 0), 'file')} taken in for {after.get('use')}, {after.get('domain')}"
    ),
    "songs.of_server": lambda before, after: (
        f"had the server's folder {after.get('folder')} taken in for {after.get('use')}, {after.get('domain')}"
    ),
    "track.separated": lambda before, after: (
        f"asked for what checkpoint {words.short_hash(after)} makes of the song {after.get('name')} ({after.get('use')})"
    ),
    "data.exported": lambda before, after: f"had data written out as {after.get('format')}",
    "data.downloaded": lambda before, after: f"downloaded export {after.get('export')} ({after.get('format')})",
    "data.removed": lambda before, after: (
        f"removed the file of export {after['export']} ({after.get('format')})"
        if "export" in after
        else f"removed the files of {count(after.get('exports', 0), 'export')}, since somebody took their answers back"
    ),
    "backend.opened": lambda before, after: (
        f"made the address of the campaign as a Label Studio's ML backend{' anew' if after.get('again') else ''}"
    ),
    "backend.closed": lambda before, after: "revoked the address of the campaign as a Label Studio's ML backend",
    "backend.server": lambda before, after: (
        f"had the campaign kept in step with project {after.get('project')} of the Label Studio at {after['server']}"
        if after.get("server")
        else "ended the sync with a Label Studio"
    ),
    "backend.synced": lambda before, after: "asked for a sync with Label Studio",
    "backend.person": lambda before, after: (
        f"said that user {after.get('number')} of the Label Studio is {after.get('member') or 'nobody here'}"
    ),
    "checkpoint.written": lambda before, after: f"had checkpoint {words.short_hash(after)} written for other tools ({after.get('format')})",
    "songs.separated": lambda before, after: (
        f"had {round(after.get('seconds', 0))} s of their own separated by checkpoint {words.short_hash(after)}"
    ),
    "songs.removed": lambda before, after: "removed a song that they had sent to be separated",
    "listening.begun": lambda before, after: (
        f"began listening test {after.get('test')}: {words.short_hash(after)} against {str(after.get('other'))[:8]} on "
        f"{count(after.get('songs', 0), 'song')}"
    ),
    "listening.asked_again": lambda before, after: (
        f"had {count(after.get('songs', 0), 'song')} separated again for listening test {after.get('test')}"
    ),
    "listening.ready": lambda before, after: f"the first clips of listening test {after.get('test')} can be heard",
    "listening.ended": lambda before, after: f"ended listening test {after.get('test')}",
    "model.shared": lambda before, after: f"gave the campaign its first checkpoint, {words.short_hash(after)}",
    "model.flagged": lambda before, after: (
        f"flagged {count(after.get('checkpoints', 0), 'checkpoint')} that learned from answers whose people have withdrawn their consent"
    ),
    "model.base_changed": lambda before, after: (
        f"went on from another base, {words.short_hash(after)} instead of {words.short_hash(before)}"
    ),
    "model.promoted": lambda before, after: f"promoted checkpoint {words.short_hash(after)} over {words.short_hash(before)}",
    "model.chosen": lambda before, after: (
        f"made checkpoint {words.short_hash(after)} current by hand, in place of {words.short_hash(before)}: {after.get('reason')}"
    ),
    "model.rolled_back": lambda before, after: f"rolled back from {words.short_hash(before)} to {words.short_hash(after)}",
}
"""Of every kind of event, those that `annotation.core.words` has among them."""


BRIEFLY = {
    "submission.kept": "answered a task",
    "answers.withdrawn": "took an answer back",
    "task.skipped": "skipped a task",
    "task.skip_undone": "took a skip back",
    "note.written": "wrote a note to the lab",
    "note.answered": "replied to a note",
    "note.written_on": "wrote on in a note",
    "note.commented": "commented on a clip",
    "review.returned": "asked somebody to hear a clip again",
    "review.answered_again": "got another answer to a clip",
    "review.passed": "passed a clip to another reviewer",
    "track.set_aside": "set a song aside",
    "review.sent_back": "sent a task back for more answers",
}
"""Of others' work, without numbers: whoever could count the answers to each task would know the gold ones. Managers' reasons are theirs."""


def event(event: Event, *, whole: bool = True) -> str:
    """What happened, as the rest of a sentence that begins with who did it; not `whole`: as annotators read it of each other."""
    if not whole and event.what in BRIEFLY:
        return BRIEFLY[event.what]
    if sentence := SENTENCES.get(event.what):
        return sentence(event.before or {}, event.after or {})
    return event.what.replace(".", ": ").replace("_", " ")
