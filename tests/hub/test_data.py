"""The page "Data" of a campaign: asking for an export, and taking it home, by pieces too."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from annotation.files import storage
from annotation.models import Campaign, Event, Membership
from hub import tidy
from learner.models import Export, Job, ReleasedFile
from learner.services.exports import ask_export, keep_export
from tests import worlds
from tests.present import present

pytestmark = pytest.mark.django_db
BYTES = bytes(range(200)) * 10


@pytest.fixture
def campaign(settings: Any, tmp_path: Any) -> Campaign:
    settings.HOME = tmp_path
    return worlds.campaign("bleed")


@pytest.fixture
def ruth(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "ruth", Membership.Role.RESEARCHER)


@pytest.fixture
def export(ruth: Membership, tmp_path: Any) -> Export:
    """As a worker has made it."""
    export = ask_export(who=ruth, wanted=Export(format=Export.Format.JAMS))
    file = tmp_path / "made.zip"
    file.write_bytes(BYTES)
    keep_export(export=export, job=present(Job.claim(export.job_id)), file=file, called="bleed-jams.zip", taken_at=now())
    export.refresh_from_db()
    return export


def body(answer: Any) -> bytes:
    return bytes(answer.getvalue())


def test_a_researcher_asks_and_finds_it_in_the_list(campaign: Campaign, ruth: Membership, django_assert_max_num_queries: Any) -> None:
    browser = worlds.signed_in(ruth)
    sent = {"format": "audacity", "whose": "people", "names": "codes", "first_round": "", "last_round": "3"}
    assert browser.post("/c/bleed/data/", sent).status_code == 302
    made = Export.objects.get()
    assert (made.format, made.whose, made.last_round, made.job.kind, made.site) == ("audacity", "people", 3, "export", "http://testserver")
    with django_assert_max_num_queries(15):
        page = browser.get("/c/bleed/data/").content.decode()
    assert "Audacity labels" in page and "rounds 1 to 3" in page and "Waiting for a worker" in page
    assert 'href="/c/bleed/data/"' in browser.get("/c/bleed/").content.decode()


def test_what_no_export_may_be_is_said_beside_its_field(ruth: Membership) -> None:
    browser = worlds.signed_in(ruth)
    sent = {"format": "jams", "whose": "both", "names": "codes", "first_round": "3", "last_round": "2"}
    answer = browser.post("/c/bleed/data/", sent)
    assert answer.status_code == 400 and "The last round comes before the first." in answer.content.decode()
    answer = browser.post("/c/bleed/data/", sent | {"format": "dataset", "first_round": "", "last_round": ""})
    assert answer.status_code == 400 and "no round of this campaign has frozen anything yet" in answer.content.decode()
    assert not Export.objects.exists()


def test_a_download_goes_on_where_it_broke_off(export: Export, ruth: Membership) -> None:
    browser, url = worlds.signed_in(ruth), f"/c/bleed/data/exports/{export.pk}/file/"
    whole = browser.get(url)
    assert (whole.status_code, body(whole), whole["ETag"]) == (200, BYTES, f'"{export.sha256}"')
    assert whole["Content-Disposition"] == 'attachment; filename="bleed-jams.zip"' and whole["Content-Length"] == "2000"
    rest = browser.get(url, headers={"Range": "bytes=1500-", "If-Range": whole["ETag"]})
    assert (rest.status_code, body(rest), rest["Content-Range"]) == (206, BYTES[1500:], "bytes 1500-1999/2000")
    for asked, expected in (("bytes=0-0", BYTES[:1]), ("bytes=-5", BYTES[-5:]), ("bytes=10-5000", BYTES[10:])):
        assert body(browser.get(url, headers={"Range": asked})) == expected
    assert browser.get(url, headers={"Range": "bytes=2000-"}).status_code == 416
    other = browser.get(url, headers={"Range": "bytes=1500-", "If-Range": '"another"'})
    assert (other.status_code, body(other)) == (200, BYTES), "of another file all of it is sent"


def test_who_begins_a_download_is_on_record_once(export: Export, ruth: Membership) -> None:
    browser, url = worlds.signed_in(ruth), f"/c/bleed/data/exports/{export.pk}/file/"
    browser.head(url)
    body(browser.get(url))
    body(browser.get(url, headers={"Range": "bytes=1500-"}))
    event = Event.objects.get(what="data.downloaded")
    assert event.who == ruth and event.after == {"export": export.pk, "format": "jams", "sha256": export.sha256}


def test_removed_it_is_gone_and_its_row_says_by_whom(export: Export, ruth: Membership) -> None:
    browser = worlds.signed_in(ruth)
    browser.post(f"/c/bleed/data/exports/{export.pk}/remove/")
    assert "Removed" in (page := browser.get("/c/bleed/data/").content.decode()) and "by ruth" in page
    assert browser.get(f"/c/bleed/data/exports/{export.pk}/file/").status_code == 404
    assert ReleasedFile.objects.filter(file=export.file).exists()


def test_the_clock_removes_what_is_older_than_the_rule(export: Export, settings: Any) -> None:
    settings.EXPORT_DAYS = 30
    Export.objects.update(created=now() - timedelta(days=29))
    assert not {one.what: one.n for one in tidy.tidy(tidy.Rules(0, 0, 0))}[tidy.EXPORTS]
    Export.objects.update(created=now() - timedelta(days=31))
    (may_go,) = [one for one in tidy.what_may_go(tidy.Rules(0, 0, 0)) if one.what == tidy.EXPORTS]
    assert (may_go.n, may_go.n_bytes) == (1, len(BYTES))
    assert {one.what: one.n for one in tidy.tidy(tidy.Rules(0, 0, 0))}[tidy.EXPORTS] == 1
    assert storage.local(export.file).exists(), "a day longer, since it was kept lately"


@pytest.mark.parametrize("role", [Membership.Role.ANNOTATOR, Membership.Role.REVIEWER])
def test_others_find_no_data(campaign: Campaign, role: str) -> None:
    browser: Client = worlds.client(campaign, "someone", role)
    assert browser.get("/c/bleed/data/").status_code == 403
    assert 'id="data"' not in browser.get("/c/bleed/").content.decode()
