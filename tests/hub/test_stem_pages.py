"""Every page of campaigns on other stems than vocals, in the words of that stem. Real rows and sounds."""

import io
import re
from importlib import import_module

import numpy as np
import pytest
import soundfile
from django.apps import apps
from django.core.exceptions import ValidationError
from django.test import Client

from annotation.core import label_studio
from annotation.core.stems import STEMS
from annotation.models import Campaign, FirstVisit, Membership, Submission, Task
from tests import worlds
from tests.annotation import endpoints
from tests.hub import rounds
from tests.hub.reading import OF_A_VOICE, main, text, whole

pytestmark = pytest.mark.django_db

OTHERS = [stem for stem in STEMS if stem != "vocals"]
# Of a drums campaign: what must not be marked as drums is a voice, and everybody sets their volume by one.
MAY = {
    "instructions": "Voices, other instruments",
    "practice": "Voices, other instruments",
    "annotate/": "Voices, other instruments",
    "sound": "Play this voice and set your volume so that it is as loud as somebody who sings",
}


def song(campaign: Campaign) -> Task:
    seconds = np.arange(worlds.RATE * 20) / worlds.RATE
    mixture, extracted = (worlds.flac(0.3 * np.sin(2 * np.pi * pitch * seconds)) for pitch in (110.0, 880.0))
    track = worlds.song(campaign, {"mixture": mixture}, extracted)
    return worlds.opened([worlds.clip(track, 2.0, 14.0)])[0]


def looking_on(campaign: Campaign) -> Client:
    """The browser of an owner whose first visit stands at its practice."""
    owner = worlds.member(campaign, "owner", "owner")
    FirstVisit.objects.create(membership=owner, consent=FirstVisit.Consented.GIVEN, sound="passed", instructions_version=1)
    Membership.objects.filter(pk=owner.pk).update(consent_version=1)
    return worlds.signed_in(owner)


def without(said: str, allowed: str) -> str:
    assert allowed in said
    return said.replace(allowed, "")


class TestDrums:
    @pytest.fixture
    def campaign(self) -> Campaign:
        model = worlds.checkpoint("base", stem="drums")
        return worlds.with_model(worlds.campaign("drums", stem="drums", min_overlap=1, max_overlap=1), model)

    @pytest.fixture
    def owner(self, campaign: Campaign) -> Client:
        return looking_on(campaign)

    @pytest.mark.parametrize("page", ["consent", "instructions", "practice"])
    def test_a_first_visit_speaks_of_drums(self, campaign: Campaign, owner: Client, page: str) -> None:
        said = main(owner.get(f"/c/drums/welcome/{page}/").content.decode())
        assert "drums" in said.lower()
        said = without(said, MAY[page]) if page in MAY else said
        assert not re.search(OF_A_VOICE, said), said

    def test_its_sounds_are_those_of_drums(self, campaign: Campaign, owner: Client) -> None:
        heard, mix = (owner.get(f"/c/drums/welcome/sounds/plain-{which}.flac").content for which in ("drums", "mix"))
        assert soundfile.info(io.BytesIO(heard)).frames == soundfile.info(io.BytesIO(mix)).frames
        assert owner.get("/c/drums/welcome/sounds/plain-vocals.flac").status_code == 404

    def test_pages_of_work_speak_of_drums(self, campaign: Campaign, owner: Client) -> None:
        task = song(campaign)
        Task.objects.filter(pk=task.pk).update(state="in review", contested=True)
        for url in ("", "annotate/", f"review/{task.pk}/", "review/", "me/", "people/", "tracks/", "links/", "leaderboard/", "roll-back/"):
            response = owner.get(f"/c/drums/{url}")
            if response.status_code != 200:
                assert url in ("leaderboard/", "roll-back/"), url
                continue
            said = main(response.content.decode())
            said = without(said, MAY[url]) if url in MAY else said
            assert not re.search(OF_A_VOICE, said), (url, said)
        assert not re.search(OF_A_VOICE, text(owner, "/queue/").removeprefix("My queue"))
        assert "Drums" in main(owner.get(f"/c/drums/review/{task.pk}/").content.decode())

    def test_figures_are_called_after_what_is_kept(self, campaign: Campaign, owner: Client) -> None:
        member = worlds.member(campaign, "ann")
        rounds.judged(
            rounds.listening(campaign), member, "promoted", "child", voice_kept_db=-0.2, pes_dbfs=-50.0, false_positives_at_parent_level=1.0
        )
        for url in ("/c/drums/", "/c/drums/rounds/1/"):
            html = whole(owner, url)
            assert "Drums kept" in html and "the drums rest" in html and "to the drums level of the parent" in html
            assert not re.search(OF_A_VOICE, main(html)), main(html)

    def test_a_clip_is_heard_under_the_name_of_its_stem(self, campaign: Campaign, owner: Client) -> None:
        task = song(campaign)
        for name, status in (("drums.ogg", 200), ("drums.png", 200), ("mix.ogg", 200), ("vocals.ogg", 404), ("vocals.png", 404)):
            assert owner.get(f"/media/tasks/{task.pk}/{name}").status_code == status, name
        given = endpoints.take(owner, "drums").json()
        assert given["task"]["data"] == {"drums": f"/media/tasks/{task.pk}/drums.ogg", "mix": f"/media/tasks/{task.pk}/mix.ogg"}
        assert '<Label value="False positive drums"' in given["config"] and "Extracted drums: mark here" in given["config"]

    def test_the_editor_and_its_refusals_speak_german_and_labels_stay(self, campaign: Campaign) -> None:
        task, member = song(campaign), worlds.member(campaign, "ann")
        ann = worlds.signed_in(member, headers={"accept-language": "de"})
        config = endpoints.take(ann, "drums").json()["config"]
        assert '<Label value="False positive drums" html="Fremdes im Schlagzeug"' in config
        assert "Herausgelöstes Schlagzeug: markiere hier, was still sein soll" in config and "The mix" not in config
        assert endpoints.answer(ann, task, heard=[]).json()["detail"].startswith("Gehört ist 0% (herausgelöstes Schlagzeug)")

    def test_what_is_no_mark_of_drums_is_refused_in_words(self, campaign: Campaign) -> None:
        task, ann = song(campaign), worlds.client(campaign, "ann")
        endpoints.take(ann, "drums")
        marks = worlds.marks(task, (3.0, 4.0))
        refused = endpoints.answer(ann, task, result=[marks[0] | {"to_name": "vocals"}])
        assert refused.status_code == 400
        assert "a mark of vocals, and this campaign marks drums" in refused.json()["detail"]
        refused = endpoints.answer(ann, task, played={"vocals": [[0, 12]]})
        assert refused.status_code == 400 and "vocals is not what this task is of: drums" in refused.content.decode()
        assert endpoints.answer(ann, task, heard=[]).json()["detail"].startswith("heard covers 0% of the extracted drums")

    def test_the_stem_stays_what_songs_were_taken_in_for(self, campaign: Campaign) -> None:
        song(campaign)
        campaign.stem = "bass"
        with pytest.raises(ValidationError, match="Songs or a model were taken in for drums, so the stem stays drums"):
            campaign.full_clean()


def test_answers_of_before_speak_of_what_they_are_about() -> None:
    task = song(worlds.campaign("accompaniment", stem="accompaniment"))
    old = label_studio.result([(3.0, 4.0)], task.clip)
    given = worlds.answer(task, worlds.member(task.campaign), (3.0, 4.0), played={"accompaniment": [[0, 2]], "mix": [[0, 1]]})
    Submission.objects.update(result=old, played={"vocals": [[2, 4]], "mix": [[2, 3]]})
    module = import_module("annotation.migrations.0017_stems_by_name")
    module.speak_of_the_accompaniment(apps, None)
    given.refresh_from_db()
    assert label_studio.regions(given.result, task.clip, "accompaniment") == [(3.0, 4.0)]
    assert given.played == {"accompaniment": [[2, 4]], "mix": [[2, 3]]}


@pytest.mark.parametrize("stem", OTHERS)
def test_every_stem_has_words_on_every_page(stem: str) -> None:
    campaign = worlds.campaign("any", stem=stem)
    task, owner = song(campaign), looking_on(campaign)
    Task.objects.filter(pk=task.pk).update(state="in review", contested=True)
    for url in ("", "annotate/", "welcome/instructions/", "welcome/practice/", f"review/{task.pk}/"):
        html = owner.get(f"/c/any/{url}").content.decode()
        assert STEMS[stem].name in html.lower(), url
        assert not re.search("vocals|nobody sings|not a voice", html.replace('data-key="vocals"', "")), url


def test_a_stem_that_no_song_has_is_refused() -> None:
    with pytest.raises(ValidationError, match="kazoo"):
        worlds.campaign("any", stem="kazoo")
