"""A lab's script with Label Studio's own clients runs on our product as on their server."""

import json

from tests.hub.label_studio import keys, script
from tests.product import Product

BEFORE = """
from tests.hub.label_studio import lab
from tests import worlds
import json
made = worlds.campaign("exported", name="Exported", paused=True)
worlds.with_model(made, worlds.checkpoint(worlds.CHECKPOINT))
songs = [worlds.track(made, f"song {number}") for number in range(2)]
worlds.opened([one for song in songs for one in worlds.clips(song, 50)])
admin = worlds.member(made, "script-admin", "owner")
type(admin.user).objects.filter(pk=admin.user_id).update(is_superuser=True)
print(json.dumps([made.pk, lab.token(worlds.account(worlds.again(admin))), lab.token(worlds.user("script-other"))]))
"""
LET_IN = """
from annotation.models import Campaign
from tests import worlds
worlds.member(Campaign.objects.get(pk={project}), "script-other")
"""


def test_a_project_is_made_filled_answered_by_two_people_and_exported(product: Product) -> None:
    exported, admin, other = json.loads(product.shell(BEFORE))
    with script.sdk(product.url, admin) as ls:
        clips = [task.data for task in ls.tasks.list(project=exported)]
    assert len(clips) == 100
    said = script.run(product.url, [admin, other], clips, lambda project: product.shell(LET_IN.format(project=project)))

    assert len(said["listed"]) == 100 and said["legacy tasks"] == said["listed"] == sorted(said["imported"]["task_ids"])
    assert script.marked_in(said["json"]) == script.given_in(said)
    assert script.marked_in(said["legacy json"]) == script.given_in(said)
    assert len(said["legacy min"]) == 2 * script.ANSWERED and len(said["csv"]) == 100 - script.ANSWERED + 2 * script.ANSWERED
    owners, others = (said["answered"][who] for who in ("owner", "other"))
    assert [task for task, _ in owners["given"]] == [task for task, _ in others["given"]], "two answers to a task, as was asked for"
    assert said["counts"].items() >= {"task_number": 100, "total_annotations_number": 8, "skipped_annotations_number": 2}.items()

    assert set(said["project"]) == keys.PROJECT and set(said["task"]) == keys.WHOLE_TASK and set(said["whoami"]) == keys.WHOAMI
    assert set(others["next"]) == keys.NEXT_TASK and set(others["draft"]) == keys.DRAFT and set(others["skip"]) == keys.ANNOTATION
