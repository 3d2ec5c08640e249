"""Look at a base that somebody sent, and keep it."""

from __future__ import annotations

import shutil

from django.db import transaction

from learner import services
from learner.core.bases import limited
from learner.models import Job, UploadedBase
from learner.services import uploaded_bases


def check(job: Job) -> None:
    """Do one job of the kind check. Raises `NotBegun`, saying what is wrong with the file, which stays until another is sent."""
    base = UploadedBase.objects.select_related("campaign", "who").get(job=job)
    job.beat(0, 1, f"looking at {base.path}, in a process of its own")
    try:
        limited.check(base.whole)
    except limited.Unusable as problem:
        raise services.NotBegun(str(problem)) from problem
    with transaction.atomic():
        row = services.keep_checkpoint(file=base.whole)
        services.finish(job=job)
        uploaded_bases.keep_base(base=base, checkpoint=row)
    shutil.rmtree(base.folder, ignore_errors=True)
