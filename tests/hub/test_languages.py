"""Annotators' pages in other languages: every text is asked for, has its translation, and numbers that scripts read stay numbers."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext, ngettext

from hub.accounts.wrong_passwords import TooSoon
from hub.languages import catalogs, finding
from tests import worlds

OTHERS = [code for code, _ in settings.LANGUAGES if code != "en"]
DOMAINS = {"django": finding.of_pages, "djangojs": finding.of_scripts}
VALUE = r"%\(\w+\)[a-z]|%%"


@pytest.mark.parametrize("name", finding.templates())
def test_a_template_says_nothing_that_cannot_be_translated(name: str) -> None:
    assert finding.unasked_in_template(name) == [], "wrap it: docs/developers/translating.md"


@pytest.mark.parametrize("path", finding.scripts(), ids=lambda path: path.name)
def test_a_script_says_nothing_that_cannot_be_translated(path: Path) -> None:
    assert finding.unasked_in_script(path) == [], "wrap it: docs/developers/translating.md"


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", OTHERS)
def test_every_text_has_a_translation_with_no_other_values_in_it(language: str, domain: str) -> None:
    catalog = catalogs.read_po((catalogs.LOCALE / language / "LC_MESSAGES" / f"{domain}.po").read_text("utf-8"))
    wanted = DOMAINS[domain]()
    run = "run: python manage.py texts, and translate what it names"
    assert sorted(wanted - {key for key, said in catalog.items() if all(said)}) == [], run
    assert sorted(set(catalog) - wanted - {("", "")}) == [], run
    for (one, many), said in catalog.items():
        values = {*re.findall(VALUE, one), *re.findall(VALUE, many)}
        for form in said if one else []:
            assert set(re.findall(VALUE, form)) <= values, f"{one!r} and {form!r} have other values"


def test_a_catalog_is_read_as_gettext_reads_it(tmp_path: Path) -> None:
    text = '# head\nmsgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    text += 'msgid "a \\"b\\" %(n)s"\nmsgid_plural "c"\nmsgstr[0] "ä"\nmsgstr[1] "ö\\n"\n"ü"\n\nmsgid "later"\nmsgstr ""\n'
    catalog = catalogs.read_po(text)
    assert catalog['a "b" %(n)s', "c"] == ["ä", "ö\nü"]
    assert catalogs.read_po(catalogs.write_po(catalog, "# head\n")) == catalog
    from gettext import GNUTranslations

    (tmp_path / "x.mo").write_bytes(catalogs.mo(catalog))
    with (tmp_path / "x.mo").open("rb") as file:
        read = GNUTranslations(file)
    assert (read.ngettext('a "b" %(n)s', "c", 1), read.ngettext('a "b" %(n)s', "c", 3)) == ("ä", "ö\nü")
    assert read.gettext("later") == "later", "what has no translation is said in English"
    with pytest.raises(ValueError, match="line 1"):
        catalogs.read_po("<<<<<<< HEAD")


def test_django_speaks_by_the_catalogs() -> None:
    with translation.override("de"):
        assert gettext("My queue") == "Meine Aufgaben"
        assert ngettext("%(n)s mark that is nowhere", "%(n)s marks", 2) == "%(n)s marks"
    assert gettext("My queue") == "My queue"


def test_numbers_that_scripts_read_have_no_comma() -> None:
    """A German 1,5 in an attribute would be no number to a script."""
    with translation.override("de"):
        page = render_to_string("annotation/parts/outcome.html", {"faults": [{"start": 1.5, "end": 2.25}], "length": 9.5, "lanes": []})
    assert 'data-from="1.5" data-to="2.25"' in page
    number = r"{{ *(?:\w+\.)*(?:start|end|length|seconds|x|width|opacity|long) *}}"
    for name in finding.templates():
        source = (finding.TEMPLATES / name).read_text("utf-8")
        plain = "" if "localize off" in source else source
        assert re.findall(rf'(?:data-[a-z-]+|value|min|max|x|width|viewBox)="[^"]*{number}', plain) == [], f"{name}: unlocalize it"


def test_an_error_says_in_german_how_long_to_wait() -> None:
    with translation.override("de"):
        assert TooSoon(timedelta(seconds=5)).messages == ["Zu viele falsche Passwörter. Warte 5 Sekunden und versuche es dann noch einmal."]
        assert "Warte 1 Minute und" in TooSoon(timedelta(seconds=60)).messages[0]
    assert TooSoon(timedelta(seconds=90)).messages == ["Too many wrong passwords. Wait 2 minutes, then try again."]


@pytest.mark.django_db
class TestWhichLanguage:
    def test_the_browser_asks_for_it_until_the_person_chooses(self, client: Client) -> None:
        def language(**headers: str) -> str:
            page = client.get("/sign-in/", headers=headers)
            (found,) = re.findall(r'<html lang="(\w+)"', page.content.decode())
            assert page.headers["Content-Language"] == found
            return str(found)

        assert language() == "en"
        assert language(**{"accept-language": "de-AT,de;q=0.9,en;q=0.5"}) == "de"
        assert language(**{"accept-language": "fr"}) == "en", "a language that there is not"
        chosen = client.post("/language/", {"language": "de", "next": "/sign-in/?next=/"})
        assert chosen.headers["Location"] == "/sign-in/?next=/"
        assert chosen.cookies[settings.LANGUAGE_COOKIE_NAME].value == "de"
        assert language(**{"accept-language": "en"}) == "de"
        client.post("/language/", {"language": "en"})
        assert language(**{"accept-language": "de"}) == "en"

    def test_pages_that_are_not_translated_are_english_as_a_whole(self, admin_client: Client) -> None:
        page = admin_client.get("/admin/", headers={"accept-language": "de"})
        assert page.headers["Content-Language"] == "en"
        assert "Site administration" in page.content.decode()


def test_the_first_page_after_signing_in_speaks_the_language_of_an_annotator_and_english_to_who_steers(db: None) -> None:
    campaign = worlds.campaign("bleed")
    german = {"Accept-Language": "de"}
    assert "<h1>Meine Aufgaben</h1>" in worlds.client(campaign, "ann").get("/", headers=german).content.decode()
    owner = worlds.client(campaign, "owner", "owner")
    assert 'lang="en"' in owner.get("/campaigns/", headers=german).content.decode()
