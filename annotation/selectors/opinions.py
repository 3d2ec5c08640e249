"""Which clips that people have agreed on could be put before one more person, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from django.db.models import Exists, F, OuterRef, Q, Subquery

from annotation.core.consensus.opinions import worth_of_more
from annotation.core.regions import FRAME
from annotation.models import Campaign, Consensus, Estimate, Membership, Task
from annotation.selectors.access import who_is_asked
from annotation.selectors.consensus import posterior_of, stored_not_tie_breakers
from annotation.selectors.queue import unseen_by


def worth_asking_again(campaign: Campaign, pace: float, most: int) -> Iterator[tuple[Task, float]]:
    """The `most` least certain clips that may have one more answer, with the seconds a minute that it would set right.

    Feedback is agreed on anew at every freeze, so that a clip is open to change until it has its most answers or a reviewer decided.
    Those kept apart are left alone. Somebody reliable must be there who has not heard it, and what people listened to. `pace` is the
    minutes that a person needs for a minute of clips.
    """
    latest = Consensus.objects.filter(task=OuterRef("pk")).order_by("-version")
    estimates = Estimate.objects.filter(track=OuterRef("track"), stem=OuterRef("stem"), checkpoint=OuterRef("checkpoint"))
    members = Membership.objects.filter(unseen_by(OuterRef(OuterRef("pk")), OuterRef("pk")), who_is_asked(campaign), campaign=campaign)
    could = members.exclude(Exists(stored_not_tie_breakers().filter(membership=OuterRef("pk"))))
    closed = Task.objects.filter(
        Exists(estimates),
        Exists(could),
        campaign=campaign,
        kind=Task.Kind.POOL,
        state=Task.State.CLOSED,
        stem=campaign.stem,
        kept_apart=False,
        track__set_aside=None,
        overlap__lt=F("max_overlap"),
    )
    known = closed.annotate(agreed=Subquery(latest.values("pk")[:1]), sure=Subquery(latest.values("certainty")[:1]))
    decided = Q(agreed__in=Consensus.objects.filter(task__campaign=campaign, by__isnull=False).values("pk"))
    tasks = {task.pk: task for task in known.exclude(agreed=None).exclude(decided).select_related("campaign").order_by("sure", "pk")[:most]}
    agreed = Consensus.objects.filter(pk__in=[task.agreed for task in tasks.values()]).select_related("task__campaign")
    for consensus in agreed.order_by("task"):
        task = tasks[consensus.task_id]
        if posterior := posterior_of(consensus):
            yield task, worth_of_more(np.array(posterior), FRAME, pace * (task.end - task.start) / 60)
