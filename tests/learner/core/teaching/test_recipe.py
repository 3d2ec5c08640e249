"""A recipe names every setting, and the paper's own algorithms are two of them."""

from dataclasses import asdict, replace

import pytest

from learner.core.teaching.recipe import Algorithm, BadRecipe, Recipe, next_strength


def test_settings_that_came_later_are_written_only_where_they_differ() -> None:
    assert "stretch_pitch" not in Recipe.default().settings()
    assert replace(Recipe.default(), stretch_pitch=1.0).settings()["stretch_pitch"] == 1.0
    assert Recipe.default().settings()["steps"] == Recipe.default().steps


def test_the_recipe_for_adapters_keeps_every_limit_of_the_default() -> None:
    recipe = Recipe.adapters()
    recipe.check()
    changed = {name for name, value in asdict(recipe).items() if value != asdict(Recipe.default())[name]}
    assert changed == {"lora_rank", "lora_times", "steps"}


def test_each_architecture_has_a_default_of_its_own() -> None:
    for architecture in ("spleeter", "unet", "htdemucs"):
        Recipe.default_for(architecture).check()
    assert Recipe.default_for("spleeter").missing == 1
    assert Recipe.default_for("htdemucs") == Recipe.default()


def test_a_u_net_learns_otherwise_from_real_songs_than_from_generated_ones() -> None:
    real = Recipe.changed({"steps": 7}, "unet", real_songs=True)
    real.check()
    assert (real.steps, real.pseudo_replay, real.missing_past) == (7, True, 1)
    assert real.keep_past > 0, "the parent's output holds what was learnt before"
    Recipe.changed({"memory": "reservoir"}, "unet", real_songs=True).check()
    assert Recipe.changed({}, "unet") == Recipe.default()
    assert Recipe.changed({}, "spleeter", real_songs=True) == Recipe.default_for("spleeter")


def test_levels_over_the_band_are_two_or_none() -> None:
    with pytest.raises(BadRecipe, match=r"over_band is .*two levels in dB"):
        Recipe.changed({"over_band": [3]})


@pytest.mark.parametrize("algorithm", ["zero-vocal-targets", "synthetic-tracks"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_papers_algorithms_go_the_whole_way_and_learn_from_truth_alone(algorithm: Algorithm, share: float) -> None:
    recipe = Recipe.paper(algorithm, share)
    assert (recipe.algorithm, recipe.replay_share) == (algorithm, share)
    assert recipe.factors == (1.0,) and recipe.keep_every == 0
    assert recipe.keep_past == recipe.keep_accepted == recipe.remixed == recipe.own_voices == recipe.rests == 0
    assert (recipe.replay_patches == 0) == (share == 0)
    assert (recipe.steps, recipe.rate) == (Recipe.default().steps, Recipe.default().rate)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_an_exemplar_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(BadRecipe, match="replay_share"):
        Recipe.paper("synthetic-tracks", share)


def test_a_round_goes_as_far_as_the_last_ones_costs_and_gains_allow() -> None:
    costly, promoted, no_gain = (
        {"promoted": False, "costly": True},
        {"promoted": True, "costly": False},
        {"promoted": False, "costly": False},
    )
    strengths = [1.0]
    for verdict in (no_gain, promoted, costly, no_gain, no_gain, no_gain, no_gain, promoted, promoted):
        strengths.append(next_strength(strengths[-1], **verdict))
    assert strengths == pytest.approx([1, 1, 0.6, 0.3, 0.45, 0.675, 1, 1, 0.6, 0.6])
    assert next_strength(0.125, **costly) == 0.125


@pytest.mark.parametrize("strength", [0.0, 1.1])
def test_a_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(BadRecipe, match="strength"):
        Recipe.changed({"strength": strength})


def test_a_memory_has_no_voices_alone() -> None:
    with pytest.raises(BadRecipe, match="alone needs songs to replay"):
        Recipe.changed({"alone": 0.5, "memory": "reservoir"})
