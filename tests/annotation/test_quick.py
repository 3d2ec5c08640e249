"""Quick questions as tasks: who is asked them, about what, and what their answers are worth. Real rows, generated audio."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from annotation import services
from annotation.core import label_studio, questions
from annotation.core.hearing import Unheard
from annotation.core.regions import BadRegion, Region
from annotation.models import Campaign, Membership, Submission, Task
from annotation.selectors import gold as gold_questions
from annotation.selectors import my_page, people, queue
from annotation.selectors.consensus import answer_tuples
from annotation.services import gold, gold_sounds
from tests import worlds
from tests.annotation.gold_song import campaign_with_song, open_pool, separated

pytestmark = pytest.mark.django_db
QUICK = Task.Question.QUICK


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    return tmp_path


def campaign(**rules: Any) -> Campaign:
    return campaign_with_song(n_pool=4, **{"quick_share": 1.0, **rules})


def say(task: Task, by: Membership, word: questions.Said = "no", revises: int | None = None, **words: Any) -> Submission:
    """Answer every segment with `word`, but the i-th with `words["s{i}"]`."""
    cut = [Region(*one) for one in services.segments_of(task)]
    said = {one: words.get(f"s{i}", word) for i, one in enumerate(cut)}
    result = questions.result(said, task.end - task.start, task.stem)
    task, by = Task.objects.select_related("campaign").get(pk=task.pk), worlds.again(by)
    return services.submit(task=task, by=by, result=result, client_key=uuid.uuid4(), heard=[tuple(one) for one in cut], revises=revises)


def test_off_by_default_and_the_share_is_drawn_exactly() -> None:
    assert not campaign_with_song(n_pool=4).tasks.filter(question=QUICK).exists()
    half = worlds.campaign("half", quick_share=0.5)
    worlds.tasks(half, 6)
    assert [half.tasks.filter(question=question).count() for question in Task.Question] == [3, 3]


def test_each_kind_is_given_to_whom_asks_for_it_and_a_task_keeps_its_kind() -> None:
    mixed = worlds.campaign("mixed", quick_share=0.5)
    worlds.tasks(mixed, 4)
    ann = worlds.member(mixed)
    drawn = services.assign_task(by=ann)
    asked = services.assign_task(by=ann, question=QUICK)
    assert drawn and asked
    assert (drawn.task.question, asked.task.question) == ("draw", "quick")
    drawn.task.refresh_from_db()
    assert drawn.task.taken == 0, "who goes to the other page gives back what they held"
    ahead = services.prefetch(by=ann, question=QUICK)
    assert [one.task.question for one in ahead] == ["quick"]
    assert (queue.own_progress(ann, question=QUICK).open, queue.own_progress(ann).open) == (2, 2)


def test_segments_are_cut_by_the_sound_once_and_cover_what_sounds() -> None:
    task = campaign().tasks.order_by("pk")[0]
    cut = services.segments_of(task)
    assert all(0.5 - 1e-6 <= end - start <= 4 + 1e-6 for start, end in cut)
    edges = {round(edge % 4, 1) for one in cut for edge in one}
    assert 0.0 in edges, "the voice comes and goes every 4 s"
    assert Task.objects.get(pk=task.pk).segments == cut == services.segments_of(Task.objects.get(pk=task.pk))


def test_without_sound_segments_are_of_one_length() -> None:
    silent = worlds.campaign("silent", quick_share=1.0)
    cut = services.segments_of(worlds.task(silent))
    assert (cut[0][0], cut[-1][1]) == (0, 15)


def test_yes_is_a_mark_cannot_tell_is_no_answer_and_the_result_round_trips() -> None:
    of = campaign()
    task, ann = of.tasks.order_by("pk")[0], worlds.member(of)
    answer = say(task, ann, s0="yes", s1="cannot tell")
    cut = services.segments_of(task)
    first, second = (Region(*one) for one in cut[:2])
    assert [tuple(mark.region) for mark in answer.marks.all()] == [pytest.approx((task.start + first.start, task.start + first.end))]
    assert answer.asked == pytest.approx(sum(end - start for start, end in cut))
    ((_, _, _, marks, heard, judged),) = answer_tuples(task, [answer])
    assert judged and marks == [pytest.approx(tuple(first))]
    assert not any(start < second.end - 0.01 and end > second.start + 0.01 for start, end in heard)
    again = json.loads(json.dumps(answer.result))
    assert questions.answered(again, task.clip, task.stem, cut).yes == [mark.region for mark in answer.marks.all()]


@pytest.mark.parametrize("stem", ["vocals", "drums"])
def test_label_studio_takes_the_result_under_the_config(stem: str) -> None:
    said: dict[Region, questions.Said] = {Region(0, 1.5): "yes", Region(1.5, 4): "cannot tell"}
    label_studio.check_result(questions.result(said, 4.0, stem), questions.labelling_config(stem))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda result: result[:-2], "no answer to the segment"),
        (lambda result: [*result, result[-1]], "answered twice"),
        (lambda result: [result[1] | {"value": result[1]["value"] | {"start": 0.3}}], "no segment of this task"),
        (lambda result: [result[1] | {"value": result[1]["value"] | {"choices": ["maybe"]}}], "must be one of 'yes', 'no', 'cannot tell'"),
        (lambda result: [result[1] | {"to_name": "drums"}], "from_name must be"),
        (lambda result: [], "no answer to the segment"),
        (lambda result: ["x"], "must be an object"),
    ],
)
def test_what_does_not_answer_the_questions_is_refused(change: Any, words: str) -> None:
    segments = [[0, 2], [2, 4]]
    said: dict[Region, questions.Said] = {Region(0, 2): "yes", Region(2, 4): "no"}
    with pytest.raises(BadRegion, match=words):
        questions.answered(change(questions.result(said, 4.0)), Region(10, 14), "vocals", segments)


def test_only_what_is_asked_about_must_be_heard() -> None:
    of = campaign()
    task, ann = of.tasks.order_by("pk")[0], worlds.member(of)
    cut = services.segments_of(task)
    result = questions.result({Region(*one): "no" for one in cut}, task.end - task.start)
    with pytest.raises(Unheard):
        services.submit(task=task, by=ann, result=result, client_key=uuid.uuid4(), heard=[cut[0]])
    assert say(task, ann).status == "accepted"


def test_an_answer_is_changed_by_another_and_never_lost() -> None:
    of = campaign()
    task, ann = of.tasks.order_by("pk")[0], worlds.member(of)
    say(task, ann)
    changed = say(task, ann, revises=1, s0="yes")
    assert (changed.revision, changed.marks.count()) == (2, 1)
    assert [one.status for one in task.submissions.order_by("pk")] == ["superseded", "accepted"]


def test_enough_answers_close_a_quick_task_on_what_they_agree_on() -> None:
    of = campaign(min_overlap=3, max_overlap=3)
    task = of.tasks.order_by("pk")[0]
    for person in worlds.people(of, 3):
        say(task, person, s0="yes")
    closed = worlds.agreed(task)
    (region,) = closed.consensuses.get().regions.all()
    assert closed.state == "closed"
    assert (region.start - task.start, region.end - task.start) == pytest.approx(services.segments_of(closed)[0], abs=0.06)


def test_when_enough_people_have_drawn_one_more_is_asked_about_what_is_in_doubt() -> None:
    of = campaign(quick_share=0.0, quick_on_doubt=True, min_overlap=2, max_overlap=4, certainty=0.4)
    task, (one, other, third) = of.tasks.order_by("pk")[0], worlds.people(of, 3)
    first = worlds.answer(task, one, (task.start + 5, task.start + 7))
    worlds.answer(task, other)
    people_known(of)
    asked = worlds.agreed(task)
    assert (asked.question, asked.overlap) == ("quick", 3)
    about = services.segments_of(asked)
    assert about and all(start >= 4.5 and end <= 7.5 for start, end in about), "nobody is asked about what is sure"
    assert services.assign_task(by=third) and services.assign_task(by=third).task.question == "draw", "another clip"  # type: ignore[union-attr]
    say(asked, third, "yes")
    assert worlds.agreed(task).submissions.filter(status="accepted").count() == 3
    assert worlds.agreed(task).state == "closed", "such questions are asked once"
    changed = worlds.answer(task, one, (task.start + 5, task.start + 8), revises=first.revision)
    assert not changed.is_quick, "who drew may change what they drew"


def people_known(of: Campaign) -> None:
    from django.utils.timezone import now

    from annotation.models import Reliability

    for person in of.memberships.all():
        rates = {"sensitivity": 0.8, "specificity": 0.95, "onset_lag": 0.0, "offset_lag": 0.0, "edge_jitter": 0.1}
        Reliability.objects.create(membership=person, n_tasks=5, fitted=now(), settles=True, **rates)


def test_gold_is_asked_quickly_too_and_graded_by_segments() -> None:
    of = campaign_with_song(n_pool=0, gold_share=0.5, quick_share=1.0)
    golds = gold_sounds.prepare_gold(campaign=of, n=4, separate=separated)
    open_pool(of.tracks.get(), 6, golds)
    ann = worlds.member(of)
    assert not gold_questions.unseen_gold(ann).exists()
    scores = []
    for task in gold_questions.unseen_gold(ann, QUICK):
        truth = gold.truth_of(task)
        shares = [
            sum(max(0, min(end, task.start + b) - max(start, task.start + a)) for start, end in truth) / (b - a)
            for a, b in services.segments_of(task)
        ]
        words: dict[str, Any] = {f"s{i}": "yes" for i, share in enumerate(shares) if share > 0.5}
        say(task, ann, "no", **words)
        worlds.agreed(task)
        scores.append(gold_questions.scores_of(ann).last())
    assert scores and all(one and one.score > 0.95 for one in scores)


def test_signs_and_minutes_go_by_what_was_asked() -> None:
    of = campaign()
    ann = worlds.member(of)
    for task in of.tasks.all():
        say(task, ann)
    worlds.later(60)
    Submission.objects.update(asked=2.0, lead_time=2.0, heard=[[0.0, 2.0]])
    assert my_page.minutes(of)[ann.pk].plain == pytest.approx(4 * 2.0 / 60)
    found = people.Found(of)
    (row,) = found.rows(found.people)
    assert row.signs and (row.signs.too_fast, row.signs.unheard) == (0, 0)


def test_the_api_gives_questions_and_takes_answers() -> None:
    of = campaign()
    client = worlds.client(of, "ann")
    assert client.post("/api/campaigns/gold/next/").status_code == 204, "nothing to draw"
    unknown = client.post("/api/campaigns/gold/next/?question=AAA")
    assert (unknown.status_code, unknown.json()["field"]) == (400, "question")
    given = client.post("/api/campaigns/gold/next/?question=quick").json()
    assert given["question"] == "quick" and given["segments"] and "perRegion" in given["config"]
    worlds.later(60)
    said: dict[Region, questions.Said] = {Region(*one): "no" for one in given["segments"]}
    body = {"result": questions.result(said, given["duration"]), "client_key": str(uuid.uuid4()), "heard": given["segments"]}
    kept = client.put(f"/api/tasks/{given['task']['id']}/submission/", body, content_type="application/json")
    assert (kept.status_code, kept.json()) == (201, {"status": "accepted"})


def test_the_page_is_installable_and_the_queue_names_it() -> None:
    of = campaign()
    client = worlds.client(of, "ann")
    page = client.get("/c/gold/quick/")
    assert b"manifest.json" in page.content and "manifest-src 'self'" in page.headers["Content-Security-Policy"]
    about = client.get("/c/gold/quick/manifest.json").json()
    assert (about["display"], about["start_url"], about["scope"]) == ("standalone", "/c/gold/quick/", "/c/gold/quick/")
    assert {icon["sizes"] for icon in about["icons"]} == {"192x192", "512x512"}
    assert client.get("/c/gold/quick/worker.js").headers["Content-Type"].startswith("text/javascript")
    assert b'id="quick-gold"' in client.get("/").content
    assert worlds.signed_in(worlds.user("stranger")).get("/c/gold/quick/").status_code == 404
