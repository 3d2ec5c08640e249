"""What an adaptation needs is looked at before people are asked, and what is wrong is said with what to do."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from annotation import services as annotating
from annotation.models import Campaign, Stem
from learner import actors, services
from learner.core import checkpoint
from learner.core.teaching.adapt import BadRecipe, NoReplay, Recipe
from learner.core.teaching.train import BASE
from learner.models import Job, Round
from learner.readiness import check_ready
from learner.services import own_songs
from tests import worlds
from tests.learner.core.separators.tiny import tiny


@pytest.mark.parametrize(
    ("differs", "complaint"),
    [
        ([1], "must be an object"),
        ({"stepz": 3}, "stepz.*its settings are algorithm, steps"),
        ({"steps": "many"}, "steps is 'many'; it must be a whole number"),
        ({"steps": True}, "steps"),
        ({"steps": 0}, "steps is 0; allowed is 1 or more"),
        ({"rate": None}, "rate is None; it must be a number"),
        ({"factors": 1}, "factors.*list of numbers"),
        ({"algorithm": "magic"}, "algorithm is 'magic'; allowed are"),
    ],
)
def test_a_wrong_recipe_is_refused_by_its_setting(differs: Any, complaint: str) -> None:
    with pytest.raises(BadRecipe, match=complaint):
        Recipe.changed(differs)


def test_a_recipe_from_json_is_the_default_with_its_differences() -> None:
    assert Recipe.changed({}) == Recipe.default()
    assert Recipe.changed({"steps": 7, "rate": 1, "factors": [0.5, 1]}).factors == (0.5, 1)


@pytest.mark.django_db
def test_a_recipe_is_looked_at_where_it_is_written() -> None:
    with pytest.raises(ValidationError, match=r"stepz.*its settings are algorithm, steps"):
        annotating.create_campaign(name="C", slug="c", recipe={"stepz": 3})
    assert not Campaign.objects.exists()


@pytest.mark.django_db
def test_without_songs_to_replay_it_says_how_to_take_some_in() -> None:
    campaign = worlds.campaign("c")
    base = services.keep_checkpoint(file=BASE)
    with pytest.raises(NoReplay, match="ingest c FOLDER --use replay"):
        check_ready(campaign, base)
    track = worlds.track(campaign, use="replay", domain="source")
    Stem.objects.create(track=track, name="vocals", file="x")
    check_ready(campaign, base)
    annotating.set_aside(track=track, reason="damaged")
    with pytest.raises(NoReplay, match="or put back those that were set aside"):
        check_ready(campaign, base)


@pytest.mark.django_db
def test_a_base_that_replays_its_own_outputs_needs_no_stems(tmp_path: Path) -> None:
    campaign = worlds.campaign("c")
    mix = worlds.track(campaign, use="replay", domain="source")
    Stem.objects.create(track=mix, name="mixture", file="x")
    spleeter = checkpoint.save(tiny("spleeter"), tmp_path, recipe={}, parent=None).path
    check_ready(campaign, services.keep_checkpoint(file=spleeter))
    with pytest.raises(NoReplay, match="ingest c FOLDER --use replay"):
        check_ready(campaign, services.keep_checkpoint(file=BASE))


@pytest.mark.django_db
def test_the_campaign_that_lets_people_bring_songs_begins_without_any(tmp_path: Path) -> None:
    campaign = worlds.campaign(own_songs.TEMPLATE, **own_songs.RULES)
    check_ready(campaign, services.keep_checkpoint(file=checkpoint.save(tiny("spleeter"), tmp_path, recipe={}, parent=None).path))


@pytest.mark.django_db
def test_real_songs_are_replayed_by_a_u_net_without_their_stems() -> None:
    campaign = worlds.campaign("c")
    mix = worlds.track(campaign, use="replay", domain="source", sample_rate=44_100)
    Stem.objects.create(track=mix, name="mixture", file="x")
    check_ready(campaign, services.keep_checkpoint(file=BASE))


@pytest.mark.django_db
def test_a_round_that_could_not_end_fails_before_anybody_is_asked() -> None:
    campaign = worlds.with_model(worlds.campaign(), services.keep_checkpoint(file=BASE))
    worlds.track(campaign)
    Stem.objects.create(track=worlds.track(campaign, "replayed", use="replay", domain="source"), name="vocals", file="x")
    assert services.start_round(campaign=campaign)
    Campaign.objects.update(recipe={"stepz": 3})  # what is not as it must be when a round begins, holds it up: test_held_up
    with pytest.raises(BadRecipe):
        actors.score(Job.objects.get().pk)
    assert Round.objects.get().state == Round.State.FAILED
    assert "stepz" in Job.objects.get().reason
    assert Campaign.objects.get().paused


@pytest.mark.django_db
def test_an_error_without_words_of_its_own_is_told_in_those_of_its_kind() -> None:
    campaign = worlds.campaign()
    job = services.queue_job(campaign=campaign, kind=Job.Kind.BASELINE)

    def work(job: Job) -> None:
        raise NoReplay

    with pytest.raises(NoReplay):
        actors.run(job.pk, work)
    job.refresh_from_db()
    assert job.reason == f"NoReplay: {NoReplay.__doc__}"


@pytest.mark.django_db(transaction=True)
def test_a_job_whose_database_went_away_is_not_given_up() -> None:
    from django.db import OperationalError

    campaign = worlds.campaign()
    job = services.queue_job(campaign=campaign, kind=Job.Kind.BASELINE)

    def work(job: Job) -> None:
        raise OperationalError("the connection is lost")

    with pytest.raises(OperationalError):
        actors.run(job.pk, work)
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED, "it is tried again as soon as the database is back"
