"""Campaigns side by side, and all campaigns of the site: who sees which, and what is said of them."""

import re

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from annotation.models import Campaign, Membership
from annotation.services import crowd_links
from hub.accounts.models import User
from learner.models import Checkpoint, Evaluation
from tests import worlds
from tests.hub.rounds import figures, judged, listening

LEAK = "false_positive_seconds_per_minute"


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.DOTALL))


def lab(slug: str, boss: User, *verdicts: tuple[str, float]) -> Campaign:
    """A campaign whose base leaks 10 s a minute, with rounds that ended so, and leaked so much."""
    made = worlds.with_model(worlds.campaign(slug, owner=boss, min_overlap=1, max_overlap=1), worlds.checkpoint(f"{slug}base"))
    by = worlds.people(made, 1)[0]
    figures(made, Checkpoint.objects.get(hash__startswith=f"{slug}base"), **{LEAK: 10.0})
    for n, (verdict, leak) in enumerate(verdicts):
        judged(listening(made), by, verdict, f"{slug}{n}", **{LEAK: leak})
    return made


@pytest.fixture
def boss(db: None) -> User:
    return worlds.user("boss")


@pytest.fixture
def two(boss: User) -> tuple[Campaign, Campaign]:
    return lab("alpha", boss, ("promoted", 8.0), ("refused", 9.0)), lab("beta", boss)


def test_it_says_what_each_campaign_cost_and_what_came_of_it(two: tuple[Campaign, Campaign], boss: User) -> None:
    Evaluation.objects.filter(value=8.0).update(low=7.0, high=9.0)
    client = Client()
    client.force_login(boss)
    page = client.get("/campaigns/compare/?campaign=alpha&campaign=beta").text
    said = words_of(page)
    assert "round 2: refused" in said and "no round yet" in said
    assert "Answers 4 0" in said and "Minutes of clips answered 1 0" in said and "Rounds promoted 1 0 Rounds refused 1 0" in said
    assert "Leak of the base, s per minute 10.00 10.00" in said and "Leak now, s per minute 8.00 (7.0 to 9.0) 10.00" in said
    assert "Leak now against the base 20 % less as it was" in said and "Answers a clip 1.0" in said and "without a reviewer 100 %" in said
    assert 'href="data:text/csv' in page and '"links": ["", "/c/alpha/rounds/1/", "/c/alpha/rounds/2/"]' in page


def test_pay_is_that_of_accepted_answers_of_those_who_came_by_a_link(two: tuple[Campaign, Campaign], boss: User) -> None:
    owner = two[0].memberships.get(user=boss)
    link = crowd_links.create_link(campaign=two[0], who=owner, kind="invitation", pay_per_task="0.25", currency="EUR")
    guest = crowd_links.join_by_invitation(link=link, user=worlds.user("guest"))
    for task in two[0].tasks.all()[:2]:
        worlds.answer(task, guest)
    guest.submissions.update(status="accepted")
    client = Client()
    client.force_login(boss)
    assert "Pay 0.50 EUR none" in words_of(client.get("/campaigns/compare/?campaign=alpha&campaign=beta").text)


def test_only_campaigns_whose_data_one_may_take_home_are_compared(two: tuple[Campaign, Campaign]) -> None:
    for role, there in ((Membership.Role.RESEARCHER, True), (Membership.Role.REVIEWER, False), (Membership.Role.ANNOTATOR, False)):
        user = worlds.user(str(role))
        for one in two:
            Membership.objects.create(campaign=one, user=user, role=role, pseudonym=str(role))
        client = Client()
        client.force_login(user)
        page = client.get("/campaigns/compare/?campaign=alpha&campaign=beta").text
        assert ('id="compared"' in page) is there and ("alpha" in page) is there, role
    stranger = Client()
    stranger.force_login(User.objects.create_superuser("head"))
    assert 'id="compared"' in stranger.get("/campaigns/compare/?campaign=alpha&campaign=beta").text


def test_those_who_run_the_site_see_every_campaign_and_what_waits(two: tuple[Campaign, Campaign], boss: User) -> None:
    two[0].tasks.update(state="in review", contested=True)
    Campaign.objects.filter(pk=two[1].pk).update(paused=True)
    manager, head = Client(), Client()
    manager.force_login(boss)
    head.force_login(User.objects.create_superuser("head"))
    assert manager.get("/campaigns/all/").status_code == 403
    said = words_of(head.get("/campaigns/all/").text)
    assert said.index("Alpha") < said.index("Beta paused") and "4 clips wait for a reviewer" in said
    assert 'href="/c/alpha/"' not in head.get("/campaigns/all/").text, "a page that would say 404"


def test_pages_ask_few_questions_however_many_campaigns(boss: User, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    slugs = ("one", "two", "three", "four", "five", "six")
    for slug in slugs:
        lab(slug, boss, ("promoted", 8.0))
    head = Client()
    head.force_login(User.objects.create_superuser("head"))
    with django_assert_max_num_queries(15):
        assert head.get("/campaigns/compare/?" + "&".join(f"campaign={slug}" for slug in slugs)).text.count('class="swatch line') == 6
    with django_assert_max_num_queries(15):
        head.get("/campaigns/all/")
