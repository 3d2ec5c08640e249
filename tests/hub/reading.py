"""What a reader sees of a page."""

import re
from html import unescape

from django.test import Client


def words(html: str) -> str:
    """No tags, one space between words; what follows a link at once is not parted from it."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html.replace("</a>", ""))).split())


def main(html: str) -> str:
    """The words of the page itself, without its header."""
    return words(html[html.index("<main") :])


def whole(client: Client, url: str, **headers: str) -> str:
    """The page that answers there, with the parts that it asks for when it is there."""
    response = client.get(url, headers=headers)
    assert response.status_code == 200, url
    loads = re.compile(r'(hx-get="([^"]+)" [^>]*hx-trigger="load,[^>]*>)')
    return loads.sub(lambda match: match[1] + whole(client, unescape(match[2]), **headers), response.content.decode())


def text(client: Client, url: str, **headers: str) -> str:
    """The words of the page that answers there, and of the parts that it asks for."""
    return words(whole(client, url, **headers))


def found(pattern: str, html: str, flags: int = 0) -> str:
    """What the pattern's group finds, which must be there."""
    match = re.search(pattern, html, flags)
    assert match, pattern
    return str(match[1])


OF_A_VOICE = r"(?i)\bvocals?\b|\bvoices?\b|\bsing(s|ing|er)?\b|\bsung\b"
"""What no page of a campaign on drums says of what it extracts."""
