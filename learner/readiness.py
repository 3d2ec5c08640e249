"""What a round will need at its end, looked at before people's time is spent on it: a recipe that can be read, and songs to replay.

Brings torch in, by the recipe; for workers.
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import fields, replace

from annotation.models import Campaign, Track
from learner.core.adapt import BadRecipe, NoReplay, Recipe

SETTINGS = tuple(one.name for one in fields(Recipe))


def check_ready(campaign: Campaign) -> None:
    """Raise `BadRecipe` or `NoReplay`, saying what to do, where this campaign's adaptation could not begin."""
    recipe = recipe_of(campaign.recipe)
    if recipe.replay_patches == 0 and recipe.algorithm == "zero-vocal-targets":
        return
    share = 1.0 if recipe.replay_patches == 0 and recipe.all_voices else recipe.replay_share
    replay = Track.objects.filter(campaign=campaign, use=Track.Use.REPLAY)
    if share == 0 or not replay.filter(set_aside=None, stems__name="vocals").exists():
        aside = " or put back those that were set aside," if replay.exclude(set_aside=None).exists() else ""
        raise NoReplay(
            f"{NoReplay.__doc__} Take some in with: python manage.py ingest {campaign.slug} FOLDER --use replay --domain source,{aside} "
            "leave the recipe's replay_share above 0, and resume the campaign."
        )


def recipe_of(differs: object) -> Recipe:
    """The default recipe with what a campaign sets differently; raises `BadRecipe` naming the setting and what is allowed."""
    if not isinstance(differs, dict):
        raise BadRecipe(f'the recipe is {reprlib.repr(differs)}; it must be an object of settings, for example {{"steps": 200}}')
    default = Recipe.default()
    for name, value in differs.items():
        if name not in SETTINGS:
            raise BadRecipe(f"the recipe has {name!r}; its settings are {', '.join(SETTINGS)}")
        if wrong := _wrong(getattr(default, name), value):
            raise BadRecipe(f"the recipe's {name} is {reprlib.repr(value)}; it must be {wrong}")
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in differs.items()}
    recipe = replace(default, **plain)  # type: ignore[arg-type]  # looked at above, and by check()
    recipe.check()
    return recipe


def _wrong(default: object, value: object) -> str:
    """What the value should be, in words; empty where it is of the default's kind."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, str):
        return "" if isinstance(value, str) else "text"
    if isinstance(default, tuple):
        return "" if isinstance(value, list | tuple) and all(_is_number(one) for one in value) else "a list of numbers"
    if isinstance(default, int):
        return "" if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
    return "" if _is_number(value) else "a number"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
