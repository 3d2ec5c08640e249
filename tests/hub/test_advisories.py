"""Attacks that worked against Label Studio and its relatives, by the numbers of their advisories, tried against us.

Where a test of the attacked part is the attack already, `ELSEWHERE` names it.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from annotation.models import Campaign, Membership
from annotation.services import told_sounds
from hub.accounts.models import User
from hub.home import ROOT
from learner.exports.folders import file_name
from learner.services.imports import BadImport, import_tasks
from tests import worlds
from tests.hub import rounds
from tests.hub.hooks.receiver import receiving

ELSEWHERE = {
    "CVE-2023-43791, a secret key that everybody knows": "hub/test_settings.py::test_a_secret_key_is_made_once",
    "CVE-2023-43791, a weak one that was given": 'hub/test_settings.py::"django-insecure-"',
    "CVE-2023-47116, redirects into our network": "hub/hooks/test_outgoing.py::test_a_redirect_is_not_followed",
    "CVE-2023-47116, names that change (DNS rebinding)": "hub/hooks/test_outgoing.py::test_a_name_that_leads_elsewhere_a_moment_later",
    "CVE-2025-25297, what an inner server says, in the error": "hub/hooks/test_outgoing.py::test_what_is_no_web_server_or_breaks_off",
    "GHSA-cpmr-mw4j-99r7, /static../": "hub/test_up.py::test_static_files_come_from_the_packages_and_nothing_else_does",
    "CVE-2023-47115, a file that is called a picture": "hub/test_uploads.py::cover.jpg",
    "CVE-2024-23633, archives that write elsewhere": "hub/test_uploads.py::../../../escaped.wav",
    "CVE-2024-26152, HTML in what labs write": "annotation/core/test_markdown.py::<script>alert(1)</script>",
    "CVE-2025-25296 and CVE-2025-47783, a preview that repeats what it is given": "hub/test_preview.py::<script>alert(1)</script>",
    "CVE-2026-22033, a token that a page tells": "hub/api/test_tokens.py::test_a_token_is_shown_once",
    "CVE-2026-22033, tokens in the database": "hub/api/test_tokens.py::test_it_is_kept_nowhere",
    "CVE-2026-22033, scripts in pages": "hub/test_security.py::test_pages_load_from_this_site_only_and_run_nothing_written_into_them",
    "CVE-2025-5173, a pickle that runs code": "learner/core/separators/test_importing.py::test_a_pickle_that_would_run_code_is_refused",
    "CVE-2025-5173, one that is called safetensors": "learner/core/bases/test_limited.py::test_a_pickle_is_refused_unopened",
    "secrets in what webhooks send": "hub/hooks/test_webhooks.py::test_only_what_is_listed_and_no_names_texts_or_addresses",
}
"""What is attacked -> the file, and what stands in it: a test, or the attack itself."""

EVIL = '"><script>alert(1)</script>'
LISTS = ("", "people/", "tracks/", "tracks/tracks.csv", "review/", "notes/", "jobs/", "audit/", "audit/?as=csv", "search/", "crowd/",
         "links/", "data/", "webhooks/", "listening-tests/", "marks.csv", "clips.csv", "regions.csv")  # fmt: skip
CHANGES = re.compile(r'[A-Za-z0-9]{64}|nonce-\S+|\d+ (?:second|minute)s? ago|hx-headers=\S+|data-digest="\w+"')


@pytest.mark.parametrize("about", ELSEWHERE)
def test_each_attack_is_tried_where_it_says(about: str) -> None:
    file, _, what = ELSEWHERE[about].partition("::")
    assert what in (ROOT / "tests" / file).read_text()


@pytest.fixture
def campaign(db: None) -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    rounds.listening(campaign)
    return worlds.member(campaign, "olga", "owner")


@pytest.fixture
def browser(owner: Membership) -> Client:
    return worlds.signed_in(owner)


def got(browser: Client, page: str, asked: dict[str, str]) -> str:
    """A page, without what it repeats of the question, and without what differs each time."""
    path, _, more = page.partition("?")
    answer = browser.get(f"/c/bleed/{path}", asked | ({"as": "csv"} if more else {}))
    assert answer.status_code in (200, 400), (page, answer.status_code)
    text = CHANGES.sub("", answer.getvalue().decode())
    for value in asked.values():
        text = text.replace(value, "")
    return text


class TestQuestionsToTheDatabase:
    """CVE-2023-47117: filters and orders of one's own making, which spell passwords out letter by letter."""

    def test_no_list_is_filtered_or_ordered_by_what_nobody_may_read(self, owner: Membership) -> None:
        ways = ("user", "who__user", "by__user", "memberships__user", "made_by__user", "campaign__memberships__user")
        orders = ("order", "ordering", "order_by", "sort", "filter", "state", "by")
        begins = "pbkdf2"
        User.objects.filter(pk=worlds.account(owner).pk).update(
            password=f"{begins}_sha256$1$salt$hash"
        )  # and the session's own hash with it
        browser = worlds.signed_in(Membership.objects.get(pk=owner.pk))
        for page in LISTS:
            right, wrong = ({f"{way}__password__startswith": value for way in ways} for value in (begins, "zzzzzz"))
            assert got(browser, page, right) == got(browser, page, wrong), page
            up, down = (got(browser, page, dict.fromkeys(orders, value)) for value in ("-who__user__password", "who__user__password"))
            assert up == down, page

    def test_nothing_of_an_address_is_handed_to_the_database_as_it_is(self) -> None:
        handed = re.compile(
            r"(?:filter|exclude|order_by|get|values|annotate)\(\s*\*{1,2}\s*(?:self\.)?request\.(?:GET|POST|data|query_params)"
        )
        named = re.compile(r"order_by\([^)]*request\.")
        found = [str(path) for path in sources() for text in [path.read_text()] if handed.search(text) or named.search(text)]
        assert found == []


class TestAddressesThatPeopleEnter:
    def test_only_the_guarded_client_sends_requests(self) -> None:
        """CVE-2022-36551, CVE-2025-25297: whatever else fetched an address that somebody entered would reach into our network."""
        sends = re.compile(
            r"^\s*(?:import|from) (?:requests|httpx|aiohttp|http\.client|urllib\.request|urllib3|boto3|ftplib)\b", re.MULTILINE
        )
        allowed = {
            "platform/hub/outgoing.py": "the guarded client",
            "platform/hub/supervisor.py": "asks the site itself how it is",
            "platform/hub/accounts/own/urls.py": "knows what allauth's requests to the provider raise",
            "learner/core/bases/elsewhere.py": "fetches published weights, whose addresses and hashes stand in the code",
            "learner/core/bases/spleeter.py": "the same",
        }
        assert {str(one.relative_to(ROOT)) for one in sources() if sends.search(one.read_text())} - allowed.keys() == set()

    def test_an_address_in_an_imported_task_is_not_fetched(self, campaign: Campaign, owner: Membership, settings: Any) -> None:
        """CVE-2022-36551, and no file of the server is read where a path is given (CVE-2025-25295)."""
        with receiving() as inside:
            settings.OUTGOING_HOSTS = [inside.host]
            for audio in (f"{inside.url}/secret.wav", "file:///etc/passwd", "/etc/passwd", "/data/local-files/?d=../../etc/passwd", EVIL):
                with pytest.raises(BadImport) as refused:
                    import_tasks(campaign=campaign, tasks=[{"data": {"audio": audio}}], by=owner)
                assert "root:" not in str(refused.value)
            assert inside.got == []


class TestPathsInNames:
    """CVE-2025-25295: names of songs and labels that become paths of files."""

    @pytest.mark.parametrize("name", ["../../../etc/cron.d/x", "/etc/passwd", "..", "a/../../b", "C:\\evil", "con\0.txt", "\n../x", ".ssh"])
    def test_no_name_leads_out_of_the_folder_of_an_export(self, name: str, tmp_path: Path) -> None:
        made = file_name(7, name, ".txt")
        assert re.fullmatch(r"000007(-[\w.-]+)?\.txt", made) and (tmp_path / made).resolve().parent == tmp_path

    def test_label_studios_converter_which_opens_files_is_not_used(self) -> None:
        used = re.compile(r"^\s*(?:import|from) label_studio_sdk\.(?:converter|_extensions)|download_resources=True", re.MULTILINE)
        assert [str(one) for one in sources() if used.search(one.read_text())] == []

    def test_the_proxies_serve_no_folder_of_the_machine(self) -> None:
        """GHSA-cpmr-mw4j-99r7: `location /static { alias …/; }` gives away what lies beside the folder."""
        for file in ("nginx.conf", "Caddyfile"):
            assert not re.search(r"^\s*(?:alias|root|file_server|try_files)\b", (ROOT / "deploy/proxy" / file).read_text(), re.MULTILINE)


class TestFilesThatPeopleBring:
    """CVE-2023-47115, CVE-2024-23633: HTML that comes as a file, and is shown as a page of ours."""

    HTML = b"<html><script>alert(1)</script></html>"
    SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

    @pytest.mark.parametrize("suffix", [".html", ".svg", ".ogg", ".wav", ".png.ogg"])
    def test_a_page_that_is_called_a_sound_is_refused(self, campaign: Campaign, owner: Membership, suffix: str) -> None:
        for file in (self.HTML, self.SVG, b"RIFF\x24\0\0\0WAVE" + self.HTML, b"OggS" + self.HTML):
            with pytest.raises(told_sounds.NoSuchSound):
                told_sounds.add_sound(campaign=campaign, name="x", file=file, suffix=suffix, who=owner)

    def test_a_sound_that_is_a_page_too_is_served_as_our_own_recoding(self, campaign: Campaign, owner: Membership, browser: Client) -> None:
        import numpy as np

        file = worlds.flac(np.full((8000, 1), 0.1)) + self.HTML
        made = told_sounds.add_sound(campaign=campaign, name="x", file=file, suffix=".flac", who=owner)
        answer = browser.get(f"/media/told/{made.pk}.ogg")
        assert answer["Content-Type"] == "audio/ogg" and answer["X-Content-Type-Options"] == "nosniff"
        assert b"script" not in answer.getvalue() and "default-src 'none'" in answer["Content-Security-Policy"]


class TestWhatPagesRepeat:
    """CVE-2024-26152 from what a campaign keeps; CVE-2025-25296 and CVE-2025-47783 from an address."""

    def test_what_an_address_says_is_no_html(self, browser: Client) -> None:
        names = (
            "q",
            "order",
            "state",
            "words",
            "who",
            "use",
            "artist",
            "older",
            "page",
            "format",
            "changed",
            "edit",
            "task",
            "label_config",
        )
        for page in {one.partition("?")[0] for one in LISTS if "csv" not in one}:
            answer = browser.get(f"/c/bleed/{page}", dict.fromkeys(names, EVIL))
            assert answer.status_code in (200, 400) and "<script>alert" not in answer.getvalue().decode(), page

    def test_what_a_campaign_says_is_no_html_and_ends_no_script(self, campaign: Campaign, browser: Client) -> None:
        said = "</script><script>alert(1)</script>"
        Campaign.objects.filter(pk=campaign.pk).update(name=said, instructions=said, consent_text=said, tags=[said, EVIL])
        for page in ("", "annotate/", "me/", "settings/", "people/", "audit/", "webhooks/", "data/", "crowd/"):
            answer = browser.get(f"/c/bleed/{page}")
            assert answer.status_code == 200 and "<script>alert" not in answer.content.decode(), page

    def test_the_api_answers_json_that_no_browser_shows_as_a_page(self, browser: Client) -> None:
        for answer in (browser.get("/api/schema/?format=json"), browser.put("/api/tasks/1/submission/", EVIL, "application/json")):
            assert "html" not in answer["Content-Type"] and answer["X-Content-Type-Options"] == "nosniff"
            assert "<script>alert" not in answer.content.decode()


class TestWhoMayCall:
    """CVE-2026-22033: what a script on another page may do in somebody's name."""

    def test_nothing_is_changed_without_the_token_of_a_page(self, owner: Membership) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(worlds.account(owner))
        for page in ("webhooks/", "pause/", "settings/", "people/decide/"):
            assert browser.post(f"/c/bleed/{page}", {"url": "https://evil.example"}).status_code == 403
        assert browser.post("/account/tokens/", {"name": "mine"}).status_code == 403
        sent = browser.post("/api/tasks/1/submission/", json.dumps({}), "application/json")
        assert sent.status_code in (403, 405)

    def test_no_page_or_endpoint_has_a_password(self, owner: Membership) -> None:
        User.objects.filter(pk=worlds.account(owner).pk).update(password="pbkdf2_sha256$1$salt$hash")
        browser = worlds.signed_in(Membership.objects.get(pk=owner.pk))
        for page in (*LISTS, "/account/", "/account/tokens/", "/api/schema/"):
            answer = browser.get(page if page.startswith("/") else f"/c/bleed/{page}")
            text = answer.getvalue().decode()
            assert "pbkdf2_" not in text, page


def sources() -> list[Path]:
    """The product's own modules."""
    return [
        path for top in ("platform/hub", "annotation", "learner") for path in (ROOT / top).rglob("*.py") if "migrations" not in path.parts
    ]
