"""A campaign with contested clips, made in the product's database, and the reviewer "rev" in it."""

import uuid

HEARD = [(0.0, 12.0)]
ANSWERS = (
    [(2.0, 4.1), (8.0, 10.2)],
    [(2.2, 4.0)],
    [(6.5, 7.5), (8.1, 10.0)],
)  # clip seconds, one list a person
UNHEARD = 2  # this person did not listen to the last second


def set_up(slug: str, n: int, clip: tuple[float, float]) -> None:
    """Make the campaign with `n` contested clips, three people's answers to each, and the reviewer."""
    from annotation import services
    from annotation.core import label_studio
    from annotation.models import Task
    from hub.accounts.models import User
    from tests.browser.desk import open_more

    campaign = services.create_campaign(name=slug, slug=slug, min_overlap=3, max_overlap=3, certainty=0.999)
    people = [services.add_member(campaign=campaign, pseudonym=f"listener-{number}") for number in range(len(ANSWERS))]
    reviewer, _ = User.objects.get_or_create(username="rev")
    services.add_member(campaign=campaign, user=reviewer, role="reviewer", pseudonym="rev")
    for _ in range(n):
        open_more(slug, clip)
    for task in Task.objects.filter(campaign=campaign).order_by("pk"):
        for number, (person, marks) in enumerate(zip(people, ANSWERS, strict=True)):
            result = label_studio.result([(clip[0] + start, clip[0] + end) for start, end in marks], task.clip)
            heard = [(0.0, 11.0)] if number == UNHEARD else HEARD
            services.submit(task=task, by=person, result=result, client_key=uuid.uuid4(), heard=heard)
        services.agree_on_task(task_id=task.pk)
        task.refresh_from_db()
        assert task.state == Task.State.IN_REVIEW, task.state
