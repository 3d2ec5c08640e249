"""A real Label Studio server answers our script with the keys that ours promises: `make test-labelstudio`, some minutes."""

from collections.abc import Iterator

import pytest

from tests.hub.label_studio import keys, script
from tests.label_studio.server import PROGRAM, TOKEN, LabelStudio

pytestmark = pytest.mark.skipif(not PROGRAM, reason="LABEL_STUDIO says where the program is: make test-labelstudio")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    server = LabelStudio(tmp_path_factory.mktemp("theirs") / "label-studio")
    try:
        yield server.start()
    finally:
        server.stop()


def test_the_script_that_runs_on_ours_runs_on_theirs_with_the_same_keys(server: LabelStudio) -> None:
    clips = [{name: f"https://example.org/{number}/{name}.ogg" for name in ("vocals", "mix")} for number in range(100)]
    said = script.run(server.url, [TOKEN, server.invite("other@example.org")], clips, lambda project: None)
    assert said["legacy tasks"] == said["listed"] == sorted(said["imported"]["task_ids"])
    assert script.marked_in(said["json"]) == script.given_in(said)
    assert script.marked_in(said["legacy json"]) == script.given_in(said)
    assert len(said["legacy min"]) == 2 * script.ANSWERED
    assert said["counts"].items() >= {"task_number": 100, "skipped_annotations_number": 2}.items()

    assert set(said["project"]) == keys.PROJECT and set(said["whoami"]) == keys.WHOAMI
    assert set(said["counts"]) == keys.COUNTS | {"id"}
    assert set(said["task"]) == keys.WHOLE_TASK and set(said["tasks"]) == keys.TASKS
    other = said["answered"]["other"]
    assert (set(other["next"]), set(other["draft"]), set(other["skip"])) == (keys.NEXT_TASK, keys.DRAFT, keys.ANNOTATION)
