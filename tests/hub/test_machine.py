"""What those who run the site see of the machine, and the order of jobs. Real rows."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries

from annotation.models import Campaign, Event
from hub.accounts.models import User
from hub.machine import in_force
from learner import services
from learner.models import Job
from tests import worlds
from tests.hub import reading, rounds

pytestmark = pytest.mark.django_db


@pytest.fixture
def head(db: None) -> Client:
    return worlds.signed_in(User.objects.create_superuser("head"))


def queued(campaign: Campaign, kind: str = Job.Kind.SEPARATE) -> Job:
    return services.queue_job(campaign=campaign, kind=kind)


class TestThePage:
    def test_workers_with_what_they_hold_and_jobs_that_wait(
        self, head: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        campaign = rounds.campaign()
        job = rounds.scoring(campaign)
        other = queued(campaign)
        message = {"actor_name": "score", "args": [job.pk]}
        with connection.cursor() as cursor:
            worker = str(uuid4())
            cursor.execute("INSERT INTO dramatiq.worker VALUES (%s, now() - interval '7 seconds')", [worker])
            cursor.execute(
                "INSERT INTO dramatiq.queue (message_id, queue_name, state, message, worker_id) VALUES (%s, 'gpu', 'consumed', %s, %s)",
                [str(uuid4()), json.dumps(message), worker],
            )
        with django_assert_max_num_queries(15):
            html = head.get("/machine/").content.decode()
        page = reading.main(html)
        assert f"{worker[:8]} 7 s ago Choosing clips Bleed" in page
        assert "Separating one song to be heard Bleed" in page and f'action="/machine/jobs/{other.pk}/move/"' in html
        assert "None is known of." in page

    def test_disk_by_kind(self, head: Client) -> None:
        worlds.song(worlds.campaign(), {"mixture": worlds.flac(np.zeros(16000))})
        page = reading.text(head, "/machine/disk/")
        assert "songs as they came" in page and "database 1" in page and "together" in page

    def test_no_secret_is_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET_KEY", "s3cret" * 10)
        monkeypatch.setenv("OIDC_CLIENT_SECRET", "s3cret")
        monkeypatch.setenv("DATABASE_URL", "postgres://ann:s3cr@t/s3cret@db.lab/unbleed?password=s3cret&x=1")
        monkeypatch.setenv("EMAIL_URL", "smtp://me:s3cret@mail.lab:25")
        monkeypatch.setenv("WEB_THREADS", "7")
        shown = {one.name: one.value for one in in_force.in_force()}
        assert "s3cr" not in str(shown)
        assert shown["DATABASE_URL"] == "postgres://(hidden)@db.lab/unbleed?password=(hidden)&x=1" and shown["WEB_THREADS"] == "7"
        assert {"SECRET_KEY", "OIDC_CLIENT_SECRET", "UNBLEED_HOME", "PREVIEW_DAYS", "EMAIL_FROM"} <= shown.keys()

    def test_the_last_backup(self, head: Client, tmp_path: Path, settings: Any) -> None:
        settings.HOME = tmp_path
        said = {"made": now().isoformat(), "folder": "/backups/x", "files": 3, "bytes": 5}
        (tmp_path / "last-backup.json").write_text(json.dumps(said))
        assert "in /backups/x : 3 files" in reading.text(head, "/machine/")
        (tmp_path / "last-backup.json").write_text("{")
        assert "None is known of." in reading.text(head, "/machine/")


class TestPriority:
    def test_a_job_moved_first_is_claimed_first_whichever_message_comes(self) -> None:
        campaign = worlds.campaign()
        first, second = queued(campaign), queued(campaign)
        services.move_job(job=second, how="first", by="head")
        assert Job.claim(first.pk) is None and Job.objects.get(pk=first.pk).state == "queued"
        assert Job.claim(second.pk) and Job.claim(first.pk)
        event = Event.objects.get(what="job.moved")
        assert (event.before, event.after) == ({"priority": 0}, {"job": second.pk, "kind": "separate", "priority": 1, "by": "head"})

    def test_moved_down_it_comes_after_the_others(self) -> None:
        campaign = worlds.campaign()
        first, second = queued(campaign), queued(campaign)
        services.move_job(job=first, how="down", by="head")
        assert Job.claim(first.pk) is None and Job.claim(second.pk) and Job.claim(first.pk)

    def test_a_patient_job_moved_up_gives_way_no_more(self) -> None:
        campaign = worlds.campaign()
        urgent, patient = queued(campaign), queued(campaign, Job.Kind.RESCORE)
        assert Job.claim(patient.pk) is None
        services.move_job(job=patient, how="up", by="head")
        assert Job.claim(urgent.pk) is None and Job.claim(patient.pk)

    def test_a_queue_of_another_kind_is_not_held_up(self) -> None:
        campaign = worlds.campaign()
        songs, gpu = queued(campaign, Job.Kind.INGEST), queued(campaign)
        services.move_job(job=gpu, how="first", by="head")
        assert Job.claim(songs.pk) and Job.claim(gpu.pk)

    def test_one_that_waits_for_room_holds_nobody_up(self) -> None:
        campaign = worlds.campaign()
        first, second = queued(campaign), queued(campaign)
        services.move_job(job=second, how="first", by="head")
        Job.objects.filter(pk=second.pk).update(doing="waits for room on the disk: 3 MB")
        assert Job.claim(first.pk)

    def test_what_does_not_wait_is_not_moved(self, head: Client) -> None:
        job = queued(worlds.campaign())
        assert Job.claim(job.pk)
        page = reading.words(head.post(f"/machine/jobs/{job.pk}/move/", {"how": "first"}, follow=True).content.decode())
        assert "does not wait any more" in page
        assert head.post(f"/machine/jobs/{job.pk}/move/", {"how": "sideways"}).status_code == 404

    def test_by_the_button(self, head: Client) -> None:
        job = queued(worlds.campaign())
        head.post(f"/machine/jobs/{job.pk}/move/", {"how": "up"})
        job.refresh_from_db()
        assert job.priority == 1 and job.sent and job.sent > now() - timedelta(minutes=1)
