"""The demo's songs: who is held out never depends on anything but names, and roles.json is checked before anything is taken."""

import json
from pathlib import Path

import pytest

from hub import demo
from learner.core import train


def test_real_songs_are_split_by_their_names_alone() -> None:
    names = [f"song {number}" for number in range(11)]
    roles = demo.split(names, names)
    assert sorted(roles.values()) == ["gate"] * 2 + ["pool"] * 7 + ["test"] * 2
    assert demo.split(names[::-1], names[::-1]) == roles


def test_songs_without_stems_can_only_be_listened_to() -> None:
    stems, plain = ["a", "b", "c"], ["d", "e"]
    roles = demo.split(stems + plain, stems)
    assert {roles[name] for name in plain} == {"pool"}
    assert sorted(roles[name] for name in stems) == ["gate", "pool", "test"]


def test_too_few_songs_say_what_is_needed() -> None:
    with pytest.raises(demo.BadRoles, match="three songs with stems"):
        demo.split(["a", "b"], ["a", "b"])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("{", "not JSON"), ('["pool"]', "must map"), ('{"a": "training"}', "must map"), ('{"z": "pool"}', "not in the folder: z")],
)
def test_a_bad_roles_file_is_refused_by_name(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "roles.json").write_text(content)
    with pytest.raises(demo.BadRoles, match=complaint):
        demo._roles(tmp_path, ["a"], ["a"])


def test_roles_are_taken_as_given(tmp_path: Path) -> None:
    (tmp_path / "roles.json").write_text(json.dumps({"a": "gate", "b": "test"}))
    assert demo._roles(tmp_path, ["a", "b", "c"], ["a"]) == {"a": "gate", "b": "test"}


def test_no_generated_song_serves_twice() -> None:
    used: set[tuple[str, int]] = set()
    for seed in (0, 1, 7):
        for batch in demo.batches(seed, pool=True):
            songs = {(batch.domain, number) for number in range(batch.first_seed, batch.first_seed + batch.n)}
            if batch.use == "replay":
                assert {number for _, number in songs} <= set(train.BASE_SEEDS)
                continue
            assert not songs & used
            assert not {number for _, number in songs} & set(train.BASE_SEEDS)
            used |= songs
