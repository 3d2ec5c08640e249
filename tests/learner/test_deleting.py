"""A campaign that is deleted: who still sees it, what waits, what goes a day later and what stays. Real rows and real files."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import CASCADE, Model
from django.utils.timezone import now

from annotation.core.panels import Visit
from annotation.files import previews, storage
from annotation.models import Campaign, Event, Membership, Pause, Task
from annotation.services import crowd_links
from annotation.services.notes import write_note
from learner import services
from learner.models import Adaptation, Checkpoint, Job, Lost, ReleasedFile, Round, SharedModel
from learner.services import deleting, intakes
from tests import worlds
from tests.hub import rounds

pytestmark = pytest.mark.django_db
SECONDS = 60


def sound(seed: int) -> bytes:
    return worlds.flac(np.random.default_rng(seed).uniform(-0.3, 0.3, SECONDS * worlds.RATE))


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    settings.HOME = tmp_path
    return tmp_path


@pytest.fixture
def owner(home: Path) -> Membership:
    """Of a campaign with a song, a judged round, a round that people listen to, somebody from a panel, a note, and an intake."""
    campaign = worlds.campaign("bleed", min_overlap=1, max_overlap=1)
    owner = worlds.member(campaign, "owner", "owner")
    worlds.with_model(campaign, worlds.old_checkpoint("base"))
    worlds.song(campaign, {"mixture": sound(1), "vocals": sound(2)}, sound(3))
    rounds.judged(worlds.listening_round(campaign, 2), owner, "promoted", "child1", sdr_median=3.0)
    task = Task.objects.filter(campaign=campaign).earliest("pk")
    worlds.listening_round(campaign, 1, start=45.0)
    link = crowd_links.create_link(campaign=campaign, who=owner, kind="prolific", tasks_asked=5, max_uses=5)
    crowd_links.enter_from_panel(link=link, visit=Visit("5f" * 12, "5e" * 12, "5d" * 12), came_from="abcd1234")
    Pause.objects.create(membership=owner, score=0.2, wanted=0.5, n_answers=8)
    write_note(task=task, by=owner, text="What is this?", client_key=uuid4())
    intake = intakes.begin_intake(who=owner, use="pool", domain="target")
    intakes.begin_upload(intake=intake, path="song.wav", size=10)
    return owner


def delete(owner: Membership, *, days: float = 0) -> None:
    deleting.delete_campaign(campaign=owner.campaign, typed=owner.campaign.name, who=owner)
    Campaign.objects.filter(pk=owner.campaign_id).update(deleted=now() - timedelta(days=days))


def left() -> dict[str, int]:
    """Rows of every kind that belongs to campaigns, where there are any."""
    return {kind.__name__: n for kind in deleting._kinds() if (n := kind._default_manager.count())}


def test_every_kind_of_row_that_names_a_campaign_is_known() -> None:
    """One that leads to a campaign by a key that may be empty would be left behind, unless it goes with what it names."""

    def leads_on(kind: type[Model]) -> bool:
        keys = [field for field in kind._meta.concrete_fields if field.is_relation and field.related_model in known]
        return any(field.remote_field.on_delete is not CASCADE for field in keys)  # type: ignore[union-attr]

    known = {*deleting._ways(), Campaign}
    others = {kind.__name__ for kind in apps.get_models() if kind not in known and leads_on(kind)}
    assert others == {"UploadedBase"}, "it outlives the campaign: other campaigns begin with it"
    order = deleting._kinds()
    assert len(order) == len(known) - 1 > 30


def test_the_name_must_be_typed(owner: Membership) -> None:
    with pytest.raises(services.NotItsName):
        deleting.delete_campaign(campaign=owner.campaign, typed="bleeds", who=owner)
    assert Campaign.objects.get().deleted is None
    deleting.delete_campaign(campaign=owner.campaign, typed=" Bleed ", who=owner)
    assert Campaign.objects.get().deleted


def test_what_goes_is_counted(owner: Membership) -> None:
    goes = services.what_goes(owner.campaign)
    assert (goes.songs, goes.clips, goes.answers, goes.people, goes.rounds, goes.checkpoints) == (1, 3, 2, 2, 2, 2)
    files = [*(sound(seed) for seed in (1, 2, 3)), b"base"]
    assert goes.n_bytes == sum(map(len, files))
    other = worlds.campaign("other")
    worlds.song(other, {"mixture": sound(1)})
    worlds.with_model(other, Checkpoint.objects.get(parent=None))
    assert services.what_goes(owner.campaign).n_bytes == sum(map(len, files[1:3])), "what another campaign has stays"


def test_a_day_later_nothing_of_it_is_left_and_what_others_have_stays(owner: Membership) -> None:
    other = worlds.campaign("other", owner=worlds.user("another"))
    worlds.song(other, {"mixture": sound(1)})
    worlds.with_model(other, Checkpoint.objects.get(parent=None))
    of_other = {"Membership": 1, "Track": 1, "Stem": 1, "SharedModel": 1}
    cached = previews._folder() / f"{Task.objects.earliest('pk').track_id}-vocals-x.ogg"
    cached.parent.mkdir(exist_ok=True)
    cached.write_bytes(b"sound")
    delete(owner, days=1.01)
    call_command("tidy")
    assert list(Campaign.objects.all()) == [other]
    assert {kind: n for kind, n in left().items() if kind != "Event"} == of_other
    assert not cached.exists()
    assert [one.hash[:4] for one in Checkpoint.objects.all()] == ["base"]
    assert not get_user_model()._default_manager.filter(username__startswith="prolific-").exists()
    assert {user.username for user in get_user_model()._default_manager.all()} == {"owner", "another"}
    waiting = set(ReleasedFile.objects.values_list("file", flat=True))
    kept = {storage.keep(sound(seed), ".flac") for seed in (1, 2, 3)}
    assert waiting <= kept | {""} and len(waiting) >= 2


def test_files_go_unless_another_campaign_has_them(owner: Membership) -> None:
    other = worlds.campaign("other")
    worlds.song(other, {"mixture": sound(1)})
    keys = [storage.keep(sound(seed), ".flac") for seed in (1, 2, 3)]
    delete(owner, days=1.01)
    for key in keys:
        os.utime(storage.local(key), (0, 0))
    call_command("tidy")
    assert [storage.local(key).exists() for key in keys] == [True, False, False]


def test_killed_in_between_it_goes_on(owner: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleting, "BATCH", 1)
    delete(owner, days=1.01)
    while Campaign.objects.exists():
        next(deleting.remove_deleted())  # each time anew
    assert left() == {} and not Checkpoint.objects.exists()


def test_within_a_day_it_is_undone_and_goes_on_where_it_was(owner: Membership) -> None:
    before = left()
    delete(owner, days=0.99)
    call_command("tidy")
    assert services.restore_campaign(campaign=owner.campaign, who=owner)
    assert Campaign.objects.get().deleted is None
    assert left() == before | {"Event": before["Event"] + 2}
    assert not services.restore_campaign(campaign=owner.campaign, who=owner)


def test_after_a_day_nobody_undoes_it(owner: Membership) -> None:
    delete(owner, days=1.01)
    with pytest.raises(services.TooLate):
        services.restore_campaign(campaign=owner.campaign, who=owner)


class TestWorkers:
    @pytest.fixture
    def job(self, owner: Membership) -> Job:
        services.freeze_feedback(round_=Round.objects.get(number=2))
        return services.queue_job(campaign=owner.campaign, kind=Job.Kind.RESCORE)

    def test_a_worker_finds_its_job_lost_and_nobody_takes_it_again(self, owner: Membership, job: Job) -> None:
        mine = Job.claim(job.pk)
        assert mine
        delete(owner)
        with pytest.raises(Lost):
            mine.beat(1)
        assert Job.claim(job.pk) is None
        services.tick()
        assert Job.claim(job.pk) is None

    def test_undone_its_job_is_sent_again(self, owner: Membership, job: Job) -> None:
        assert Job.claim(job.pk)
        delete(owner)
        services.restore_campaign(campaign=owner.campaign, who=owner)
        again = Job.claim(job.pk)
        assert again and again.attempt == 2

    def test_it_keeps_no_other_campaigns_work_waiting(self, owner: Membership) -> None:
        other = worlds.campaign("other")
        patient = services.queue_job(campaign=other, kind=Job.Kind.RESCORE)
        services.queue_job(campaign=owner.campaign, kind=Job.Kind.SCORE)
        assert Job.claim(patient.pk) is None
        delete(owner)
        assert Job.claim(patient.pk)

    def test_the_clock_leaves_it_alone(self, owner: Membership) -> None:
        Task.objects.update(state=Task.State.CLOSED)
        delete(owner)
        services.tick()
        assert Round.objects.latest("number").state == Round.State.ANNOTATING


def test_its_work_folders_go(owner: Membership) -> None:
    folder = services.work_folder(Adaptation.objects.get().pk)
    folder.mkdir(parents=True)
    delete(owner, days=1.01)
    call_command("tidy")
    assert not folder.exists()


def test_the_rest_is_unchanged_by_a_name_that_is_like_a_panels(owner: Membership) -> None:
    person = worlds.member(owner.campaign, "prolific-fan")
    delete(owner, days=1.01)
    call_command("tidy")
    assert get_user_model()._default_manager.filter(username=worlds.account(person).username).exists()
    assert not SharedModel.objects.exists() and not Event.objects.exists()
