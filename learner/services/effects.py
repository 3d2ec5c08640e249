"""What people's marks change, to be heard: a worker is told of one at a time, when nothing else waits."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from annotation import events
from annotation.models import Effect
from annotation.services.effects import end_late_effects
from learner.models import Job

RESEND_AFTER = timedelta(minutes=1)  # a message that was lost, or still waits behind other work: the claim makes a second one harmless


@transaction.atomic
def send_effect() -> bool:
    """Tell a worker of the wish that has waited longest, where no job waits and no other wish is under way; returns whether it did."""
    end_late_effects()
    under_way = Q(state=Effect.State.MAKING) | Q(state=Effect.State.WAITING, sent__gte=now() - RESEND_AFTER)
    if Job.urgent().exists() or Effect.objects.filter(under_way).exists():
        return False
    waiting = Effect.objects.select_for_update(skip_locked=True).filter(state=Effect.State.WAITING).order_by("asked").only("pk").first()
    if waiting is None:
        return False
    Effect.objects.filter(pk=waiting.pk).update(sent=now())
    events.send("hear_effect", waiting.pk, queue="gpu")
    return True
