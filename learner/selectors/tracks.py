"""What models made of one track: by which checkpoints it can be heard, and its figures beside the trivial ones."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.models import Estimate, Track
from learner.models import Checkpoint, Evaluation, Job, Separation, SharedModel, SongFigures
from learner.selectors.rounds import Turn

Subject = Evaluation.Subject


@dataclass(frozen=True)
class Made:
    """What one checkpoint of the campaign made of a track: `what` it is to the campaign, and whether there is sound, or a job for it."""

    checkpoint: Checkpoint
    what: str
    is_current: bool
    is_parent: bool  # of the current one
    refused: bool
    heard: bool
    job: Job | None  # the last that was asked for
    figures: dict[str, float]
    gain: dict[str, float]  # the same, turned up or down by the one factor that is best

    @property
    def can_be_made(self) -> bool:
        """Whether asking for it would bring something: sound, or figures."""
        return not self.checkpoint.removed and not (self.job and self.job.is_open)


@dataclass(frozen=True)
class OnTrack:
    """All of them, the current checkpoint first, then the newest; and the trivial ways, empty where nothing was measured."""

    made: list[Made]
    silence: dict[str, float]
    mixture: dict[str, float]

    @property
    def measured(self) -> bool:
        return bool(self.silence or any(one.figures for one in self.made))


def on_track(track: Track, turns: list[Turn]) -> OnTrack:
    """What the campaign's checkpoints made of a track; `turns` are its rounds."""
    shared: SharedModel | None = getattr(track.campaign, "shared_model", None)  # None: it has no model yet
    current = shared.current if shared else None
    heard = set(Estimate.objects.filter(track=track, stem=track.campaign.stem).values_list("checkpoint", flat=True))
    jobs = {one.checkpoint_id: one.job for one in Separation.objects.filter(track=track).select_related("job").order_by("pk")}
    figures = {(one.subject, one.checkpoint_id): one.figures for one in SongFigures.objects.filter(track=track)}
    made = []
    for checkpoint, (what, refused) in _named(turns, current).items():
        is_current = checkpoint == current
        made.append(
            Made(
                checkpoint=checkpoint,
                what=what,
                is_current=is_current,
                is_parent=current is not None and checkpoint.pk == current.parent_id,
                refused=refused,
                heard=checkpoint.hash in heard,
                job=jobs.get(checkpoint.pk),
                figures=figures.get((Subject.CHECKPOINT, checkpoint.pk), {}),
                gain=figures.get((Subject.GAIN, checkpoint.pk), {}),
            )
        )
    made.sort(key=lambda one: (not one.is_current, not one.is_parent, -one.checkpoint.pk))
    return OnTrack(made, figures.get((Subject.SILENCE, None), {}), figures.get((Subject.MIXTURE, None), {}))


def _named(turns: list[Turn], current: Checkpoint | None) -> dict[Checkpoint, tuple[str, bool]]:
    """The campaign's checkpoints, each with what it is called and whether the gate refused it."""
    found: dict[Checkpoint, tuple[str, bool]] = {turns[0].round.parent: ("base", False)} if turns else {}
    for turn in turns:
        if turn.child:
            refused = not turn.promoted and turn.round.finished is not None
            found.setdefault(turn.child, (f"child of round {turn.round.number}", refused))
        if turn.adaptation and turn.adaptation.replay_only:
            found.setdefault(turn.adaptation.replay_only, (f"replay without feedback, round {turn.round.number}", False))
    if current:
        found.setdefault(current, ("base", False))
    return found
