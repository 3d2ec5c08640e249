"""Static files: kept by browsers for a year under an address that changes with what they hold, and small on the way."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import override_settings

from hub import static_files
from hub.home import ROOT
from hub.templatetags.modules import modules

pytestmark = pytest.mark.django_db  # the end of a request looks after the connection

PAGE = "annotation/annotate/page.js"


def address(name: str) -> str:
    return static_files.Storage(base_url="/static/").url(name)


def get(url: str, **headers: str) -> tuple[HttpResponseBase, bytes]:
    answer = Client().get(url, headers=headers)
    sent = b"".join(answer)
    answer.close()
    return answer, sent


@pytest.mark.parametrize(
    ("takes", "sent_by", "read"), [("gzip, br", "br", brotli.decompress), ("gzip", "gzip", gzip.decompress)], ids=["brotli", "gzip"]
)
def test_a_file_is_kept_for_a_year_under_an_address_with_its_hash(takes: str, sent_by: str, read: Callable[[bytes], bytes]) -> None:
    answer, sent = get(address(PAGE), **{"Accept-Encoding": takes})
    assert answer.status_code == 200
    assert answer["Cache-Control"] == f"max-age={365 * 24 * 3600}, public, immutable"
    assert answer["Vary"] == "Accept-Encoding" and answer["Content-Encoding"] == sent_by
    assert read(sent) == (ROOT / "annotation/static" / PAGE).read_bytes()
    assert len(sent) == int(answer["Content-Length"])


def test_a_browser_that_takes_nothing_compressed_gets_it_as_it_is() -> None:
    assert get(address(PAGE))[1] == (ROOT / "annotation/static" / PAGE).read_bytes()


@pytest.mark.parametrize("url", [f"/static/{PAGE}", f"/static/0123456789ab/{PAGE}"], ids=["plain", "of another day"])
def test_other_addresses_of_a_file_hold_for_a_minute(url: str) -> None:
    answer, _ = get(url)
    assert answer.status_code == 200 and answer["Cache-Control"] == "max-age=60, public"


def test_a_wrong_name_is_not_found_with_a_hash_either() -> None:
    assert get("/static/0123456789ab/nothing.js")[0].status_code == 404


def test_what_a_script_imports_has_the_hash_of_the_script() -> None:
    version = address(PAGE).split("/")[2]
    assert address("annotation/shared/player.js").split("/")[2] == version
    assert address("annotation/lsf/1.23.2/editor.js").split("/")[2] != version, "the editor stays in the cache when our scripts change"


def test_the_hash_changes_with_the_content(tmp_path: Path) -> None:
    script = tmp_path / "some/script.js"
    script.parent.mkdir()
    found = []
    for content in ("1", "2", "2"):
        script.write_text(content)
        static_files.versions.cache_clear()
        with override_settings(STATICFILES_DIRS=[tmp_path]):
            found.append(static_files.versions()["some/"])
    static_files.versions.cache_clear()
    assert found[0] != found[1] == found[2]


def test_files_keep_their_plain_addresses_while_somebody_develops() -> None:
    with override_settings(DEBUG=True):
        assert address(PAGE) == f"/static/{PAGE}"


def test_a_page_names_every_module_before_the_scripts_ask_for_them() -> None:
    named = re.findall(r'rel="modulepreload" href="([^"]+)"', modules(PAGE))
    assert named == list(dict.fromkeys(named)) and named[-1] == address(PAGE)
    assert address("annotation/shared/player.js") in named and len(named) > 30
