"""Bases that site admins upload, and checkpoints that other campaigns use: sent, looked at, chosen. Real rows, real files."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client

from annotation.models import Campaign, Membership
from hub.accounts.models import User
from learner import services
from learner.core import checkpoint
from learner.core.bases import limited
from learner.models import Checkpoint, ChosenBase, Job, SharedModel, UploadedBase
from learner.services import deleting, uploaded_bases
from learner.work.bases import bring_base
from learner.work.uploaded_bases import check
from tests import worlds
from tests.hub.reading import text
from tests.learner.core.separators.tiny import tiny

TUS = {"Tus-Resumable": "1.0.0"}
ALL = "/c/bleed/base/upload/"
SOUND = np.random.default_rng(0).normal(0, 0.1, 4 * worlds.RATE)


@pytest.fixture
def admin(db: None, settings: Any, tmp_path: Path) -> Membership:
    """A site admin who owns the campaign bleed."""
    settings.HOME = tmp_path
    root = User.objects.create_superuser("root")
    return worlds.campaign("bleed", owner=root).memberships.get()


@pytest.fixture
def client(admin: Membership) -> Client:
    return worlds.signed_in(admin)


@pytest.fixture
def weights(tmp_path: Path) -> bytes:
    return checkpoint.save(tiny("unet", sample_rate=16_000), tmp_path, recipe={}, parent=None).path.read_bytes()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is looked at in this process, which has loaded all that it takes; a process of its own is for `test_limited`."""

    def check_here(file: Path) -> None:
        if wrong := limited.fault(file):
            raise limited.Unusable(wrong)

    monkeypatch.setattr(limited, "check", check_here)


def sent(client: Client, body: bytes, name: str = "voices.safetensors", called: str = "choir") -> UploadedBase:
    client.post(ALL, {"name": called, "licence": "MIT"})
    base = UploadedBase.objects.get(name=called)
    send(client, base, body, name)
    return base


def begin(client: Client, base: UploadedBase, size: int, name: str = "voices.safetensors") -> Any:
    metadata = f"path {base64.b64encode(name.encode()).decode()}"
    return client.post(f"{ALL}{base.pk}/files/", headers=TUS | {"Upload-Length": str(size), "Upload-Metadata": metadata})


def push(client: Client, where: str, offset: int, body: bytes) -> Any:
    return client.patch(where, body, content_type="application/offset+octet-stream", headers=TUS | {"Upload-Offset": str(offset)})


def send(client: Client, base: UploadedBase, body: bytes, name: str = "voices.safetensors") -> None:
    assert push(client, begin(client, base, len(body), name)["Location"], 0, body).status_code == 204


def worked(work: Callable[[Job], None]) -> None:
    """Do the latest job as a worker does, without its heart, whose connection would not see what this test has not committed."""
    job = Job.claim(Job.objects.latest("pk").pk)
    assert job
    try:
        work(job)
    except services.NotBegun as problem:
        services.fail(job=job, reason=str(problem))
        raise


def looked_at(client: Client, base: UploadedBase) -> UploadedBase:
    client.post(f"{ALL}{base.pk}/check/")
    worked(check)
    return UploadedBase.objects.select_related("job", "checkpoint").get(pk=base.pk)


def test_it_is_sent_looked_at_and_offered_under_its_name(client: Client, admin: Membership, weights: bytes, here: None) -> None:
    base = looked_at(client, sent(client, weights))
    assert base.checkpoint and base.checkpoint.name == "choir" and not base.folder.exists()
    assert "It can be used" in text(client, f"{ALL}{base.pk}/")
    assert "choir" in text(client, "/c/bleed/base/kept/") and "licence MIT" in text(client, "/c/bleed/base/kept/")
    assert "brought the base choir (licence MIT), checkpoint" in text(client, "/c/bleed/audit/")
    client.post("/c/bleed/base/kept/", {"checkpoint": base.checkpoint.hash})
    job = Job.objects.get(kind="base")
    assert ChosenBase.objects.get().checkpoint == base.checkpoint and job.state == "queued"
    assert "chose the base choir for the campaign to begin with" in text(client, "/c/bleed/audit/")


def test_it_goes_on_where_it_was_and_another_file_takes_its_place(client: Client, weights: bytes) -> None:
    client.post(ALL, {"name": "choir", "licence": "MIT"})
    base = UploadedBase.objects.get()
    where = begin(client, base, len(weights))["Location"]
    assert push(client, where, 0, weights[:1000])["Upload-Offset"] == "1000"
    assert begin(client, base, len(weights))["Upload-Offset"] == "1000"
    assert client.head(where, headers=TUS)["Upload-Length"] == str(len(weights))
    assert "not here whole" in client.post(f"{ALL}{base.pk}/check/", follow=True).content.decode()
    assert begin(client, base, 7, "other.safetensors")["Upload-Offset"] == "0"


def test_what_cannot_be_used_says_why_and_another_file_can_be_sent(client: Client, weights: bytes, here: None) -> None:
    base = sent(client, b"\x80\x04K\x01." + b"x" * 20)
    with pytest.raises(services.NotBegun):
        looked_at(client, base)
    page = text(client, f"{ALL}{base.pk}/")
    assert "It cannot be used." in page and "is a pickle" in page and "Another file" in page
    assert not Checkpoint.objects.exists() and "Nobody has brought a base" in text(client, "/c/bleed/base/kept/")
    send(client, base, weights)
    assert looked_at(client, base).checkpoint


@pytest.mark.parametrize(("name", "size", "status"), [("a.pt", 9, 400), ("a.safetensors", 2 * 1024**3, 413), ("a.safetensors", 0, 413)])
def test_other_kinds_and_sizes_are_not_taken(client: Client, name: str, size: int, status: int) -> None:
    client.post(ALL, {"name": "choir", "licence": "MIT"})
    assert begin(client, UploadedBase.objects.get(), size, name).status_code == status


def test_a_name_that_is_taken_or_no_licence_is_refused(client: Client) -> None:
    client.post(ALL, {"name": "choir", "licence": "MIT"})
    for said in ({"name": "choir", "licence": "MIT"}, {"name": "spleeter", "licence": "MIT"}, {"name": "other", "licence": ""}):
        assert client.post(ALL, said).status_code == 400
    assert UploadedBase.objects.count() == 1


def test_managers_choose_and_only_those_who_run_the_site_bring(client: Client, admin: Membership) -> None:
    manager = worlds.client(admin.campaign, "boss", "manager")
    assert manager.get("/c/bleed/base/kept/").status_code == 200 and manager.get(ALL).status_code == 403
    assert "Upload a base" not in manager.get("/c/bleed/base/kept/").content.decode()
    assert 'href="/c/bleed/base/kept/"' in client.get("/c/bleed/parts/base/").content.decode()


class TestAnotherCampaigns:
    @pytest.fixture
    def other(self, admin: Membership, tmp_path: Path) -> Checkpoint:
        """What another campaign of the same admin uses."""
        file = checkpoint.save(tiny("unet", sample_rate=16_000), tmp_path, recipe={"name": "Ours"}, parent=None).path
        row = services.keep_checkpoint(file=file)
        worlds.with_model(worlds.campaign("other", owner=admin.user), row)
        return row

    def test_a_campaign_begins_with_it(self, client: Client, admin: Membership, other: Checkpoint) -> None:
        worlds.song(admin.campaign, {name: worlds.flac(SOUND) for name in ("mixture", "vocals")}, name="r", use="replay")
        assert "used by Other" in text(client, "/c/bleed/base/kept/")
        client.post("/c/bleed/base/kept/", {"checkpoint": other.hash})
        worked(bring_base)
        assert SharedModel.objects.get(campaign=admin.campaign).current == other

    def test_that_of_a_campaign_of_others_is_not_shown_nor_chosen(self, admin: Membership, other: Checkpoint) -> None:
        manager = worlds.client(admin.campaign, "boss", "manager")
        assert "You steer no other campaign" in text(manager, "/c/bleed/base/kept/")
        assert manager.post("/c/bleed/base/kept/", {"checkpoint": other.hash}).status_code == 404

    def test_one_of_another_stem_is_not_offered(self, client: Client, other: Checkpoint) -> None:
        Campaign.objects.filter(slug="bleed").update(stem="drums")
        assert "Ours" not in text(client, "/c/bleed/base/kept/")


def test_an_uploaded_base_outlives_the_campaign_that_it_was_sent_from(
    client: Client, admin: Membership, weights: bytes, here: None
) -> None:
    base = looked_at(client, sent(client, weights))
    assert base.checkpoint
    worlds.with_model(admin.campaign, base.checkpoint)
    assert deleting.what_goes(admin.campaign).checkpoints == 0
    list(deleting.removal(admin.campaign))
    left = UploadedBase.objects.get()
    assert left.checkpoint == base.checkpoint and (left.campaign, left.who, left.job) == (None, None, None)


def test_what_nobody_has_looked_at_goes_after_two_weeks(client: Client, weights: bytes) -> None:
    base = sent(client, weights)
    assert uploaded_bases.discard_old() == 0
    UploadedBase.objects.update(created="2020-01-01T00:00Z")
    assert uploaded_bases.discard_old() == 1 and not base.folder.exists()
