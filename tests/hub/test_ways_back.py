"""From every page of a campaign those who steer it get back to it, and the site's front page brings them there."""

import re

from django.test import Client

from annotation.models import Campaign
from tests import worlds
from tests.hub.rounds import campaign as made_campaign
from tests.hub.rounds import judged, listening

MOST = 60  # pages
LEFT_OUT = re.compile(r"/admin/|/sign-out/|\.(csv|zip|safetensors|md|ogg|png|css|js|svg)$|/sounds/")


def kind(address: str) -> str:
    """Addresses of one page of many are alike."""
    return re.sub(r"[0-9a-f]{40,}|\d+", "N", address)


def test_every_page_leads_back_to_its_campaign(db: None) -> None:
    campaign = made_campaign()
    owner = worlds.client(campaign, "owner", "owner")
    judged(listening(campaign), worlds.people(campaign, 1)[0], "refused", "child")
    Campaign.objects.update(paused=True)
    assert owner.get("/").headers["Location"] == "/c/bleed/"
    seen, lacking = pages_of(owner)
    assert lacking == [] and len(seen) > 20, sorted(seen)


def pages_of(client: Client) -> tuple[set[str], list[str]]:
    """The kinds of pages below the campaign that links lead to, and those of them without a link back."""
    seen: set[str] = set()
    lacking, todo = [], ["/c/bleed/"]
    while todo and len(seen) < MOST:
        address = todo.pop(0)
        if kind(address) in seen:
            continue
        seen.add(kind(address))
        response = client.get(address)
        if response.status_code != 200 or "text/html" not in response["Content-Type"]:
            continue
        page = response.content.decode()
        if "<!doctype html>" in page and 'class="of-campaign" href="/c/bleed/"' not in page:
            lacking.append(address)
        links = [link.partition("#")[0].partition("?")[0] for link in re.findall(r'(?:href|hx-get)="(/c/bleed/[^"]*)"', page)]
        todo += [link for link in links if not LEFT_OUT.search(link)]
    return seen, lacking
