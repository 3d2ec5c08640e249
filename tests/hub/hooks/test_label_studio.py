"""Label Studio's own client makes webhooks here, which are told in Label Studio's form."""

import json
from typing import Any

import pytest

from annotation.events import record
from annotation.models import Submission
from hub.api.webhooks import sending, signing
from hub.api.webhooks.actions import ACTIONS
from hub.api.webhooks.kinds import KINDS
from hub.api.webhooks.models import Webhook
from tests import worlds
from tests.hub.hooks.receiver import receiving
from tests.hub.label_studio import lab

pytestmark = pytest.mark.django_db


def test_every_call_of_its_client(settings: Any) -> None:
    from label_studio_sdk.core.api_error import ApiError

    campaign = lab.campaign(1)
    manager = worlds.member(campaign, "max", "manager")
    client = lab.sdk(manager)
    with receiving() as receiver:
        settings.OUTGOING_HOSTS = ["127.0.0.1"]
        made = client.webhooks.create(url=receiver.url, project=campaign.pk, actions=["ANNOTATION_CREATED"], is_active=True)
        row = Webhook.objects.get()
        assert (made.id, made.project, made.url, made.actions) == (row.pk, campaign.pk, receiver.url, ["ANNOTATION_CREATED"])
        assert (made.is_active, made.send_payload, made.send_for_all_actions, made.headers) == (True, True, False, {})
        assert made.secret == signing.secret_of(row) and not hasattr(client.webhooks.get(made.id), "secret")
        assert [one.id for one in client.webhooks.list(project=str(campaign.pk))] == [one.id for one in client.webhooks.list()] == [made.id]
        assert client.webhooks.info()

        task = campaign.tasks.get()
        first = worlds.answer(task, manager, (task.start + 1, task.start + 2))
        sending.work()
        (got,) = receiver.got
        told = json.loads(got.body)
        assert told["action"] == "ANNOTATION_CREATED" and got.headers["webhook-signature"].startswith("v1,")
        annotation = told["annotation"]
        assert (annotation["id"], annotation["task"], annotation["completed_by"]) == (first.pk, task.pk, manager.user_id)
        assert [region["value"]["labels"] for region in annotation["result"]] and told["project"] == {
            "id": campaign.pk,
            "title": campaign.name,
        }
        shown = client.annotations.get(annotation["id"])
        assert (shown.task, shown.completed_by) == (annotation["task"], annotation["completed_by"])

        Submission.objects.filter(pk=first.pk).update(revision=2)  # as a changed answer: another action, which was not chosen
        record(campaign, "submission.kept", who=manager, after={"submission": first.pk, "task": task.pk})
        sending.work()
        assert len(receiver.got) == 1
        changed = client.webhooks.update(made.id, send_for_all_actions=True, send_payload=False)
        assert changed.send_for_all_actions and not changed.send_payload
        record(campaign, "submission.kept", who=manager, after={"submission": first.pk, "task": task.pk})
        sending.work()
        assert json.loads(receiver.got[-1].body) == {"action": "ANNOTATION_UPDATED"}

        for wrong in ({"url": "http://localhost/"}, {"url": receiver.url, "headers": {"A": "b"}}, {"url": receiver.url, "actions": ["X"]}):
            with pytest.raises(ApiError) as refused:
                client.webhooks.create(project=campaign.pk, **({"actions": list(ACTIONS)} | wrong))
            assert refused.value.status_code == 400
        client.webhooks.delete(made.id)
        with pytest.raises(ApiError) as gone:
            client.webhooks.get(made.id)
        assert gone.value.status_code == 404


def test_who_manages_nothing_has_none(settings: Any) -> None:
    from label_studio_sdk.core.api_error import ApiError

    campaign = lab.campaign(0)
    Webhook.objects.create(campaign=campaign, url="https://1.1.1.1/T0/secret", events=["submission.kept"], nonce="n")
    ann = lab.sdk(worlds.member(campaign, "ann"))
    assert ann.webhooks.list() == []
    for call in (
        lambda: ann.webhooks.list(project=str(campaign.pk)),
        lambda: ann.webhooks.get(Webhook.objects.get().pk),
        lambda: ann.webhooks.create(url="https://1.1.1.1/", project=campaign.pk),
    ):
        with pytest.raises(ApiError) as refused:
            call()
        assert refused.value.status_code in (403, 404)


def test_its_actions_are_of_kinds_that_are_told() -> None:
    assert {kind for kind, *_ in ACTIONS.values()} <= KINDS.keys()
