"""How an adaptation goes about it: every setting, its default, and what is allowed."""

import math
import reprlib
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

Algorithm = Literal["zero-vocal-targets", "synthetic-tracks", "mixed"]


class BadRecipe(ValueError):
    """A setting of the recipe is outside what is allowed."""


def _extra(default: Any) -> Any:
    """A setting that came later, or is for experiments: left at its default, it is not written, so that checkpoints keep their hash."""
    return field(default=default, metadata={"extra": True})


@dataclass(frozen=True)
class Recipe:
    """How to adapt. Shares and weights are fractions, dB figures compare with the parent."""

    algorithm: Algorithm = "mixed"
    steps: int = 120
    rate: float = 1e-3  # of Adam, after a warm-up of a tenth of the steps, then falling as a cosine
    n_frames: int = 128  # spectral frames a patch
    new_patches: int = 4  # a step
    replay_patches: int = 6  # a step; 0 is fine-tuning without replay
    replay_share: float = 1.0  # of the replay songs that are used
    remixed: float = 0.8  # of replay patches: one song's vocals over another's accompaniment
    pitch_shift: float = 5.0  # semitones, up or down, by which replayed voices are shifted
    own_voices: float = 0.4  # of synthetic tracks: the voice is the parent's accepted output from the marked songs
    rests: float = 0.5  # of the stretches that synthetic tracks are made of: accepted rests instead of marked stretches
    keep_past: float = 0.5  # weight of the parent's output on replay patches
    keep_accepted: float = 1.0  # weight of the parent's output on accepted frames
    missing: float = 2.0  # what is missing from a target counts so many times what is too much
    margin: float = 0.1  # seconds taken off both ends of a mark
    keep_every: int = 60  # steps between kept points, which are also what a killed run resumes from; 0: the last step alone
    factors: tuple[float, ...] = (0.4, 0.6, 0.8, 1.0)  # places on the line from parent (0) to a kept point (1), within its reach
    voice_kept_db: float = -0.5  # least level of the accepted voice; some of it is bleed that nobody marked
    past_lost_db: float = 0.25  # most that the validation songs may lose in song SDR; what some of them gain does not count
    median_lost_db: float = 0.45  # most that they may lose in the median SDR of their sung seconds, likewise
    all_lost_db: float = _extra(0.4)  # most that they may have lost in song SDR since the base, where it is given
    later_replay: float = _extra(3.0)  # times as many replay patches where the base is another than the parent
    half_way: float = _extra(25.0)  # marked seconds that let a child go half the way from its parent; 0: all the way, however few
    strength: float = _extra(1.0)  # how far a child may go, of what the marks allow; see `next_strength`
    in_decibels: float = _extra(1.0)  # how far replay counts what is lost in dB (1) rather than in level (0): see `continual.in_decibels`
    marks_fall_db: float = _extra(3.0)  # least that the whole child takes off the marks more than off the accepted voice; 0: any
    stretch_pitch: float = _extra(4.0)  # semitones, up or down, by which marked stretches are shifted in synthetic tracks
    all_voices: bool = _extra(False)  # synthetic tracks take voices of all replay songs, also of those that are not replayed
    least_probability: float = _extra(0.5)  # of a mark whose stretch synthetic tracks are made of
    ewc: float = _extra(0.0)  # weight of half the squared distance to the parent's weights, by their importance for replay (mean 1)
    l2_sp: float = _extra(0.0)  # the same, every weight alike
    lora_rank: int = _extra(0)  # of adapters beside the large layers, which then stay as they are (see `lora`); 0: all weights learn
    lora_times: float = _extra(10.0)  # what adapters' rate is of ordinary weights'
    memory: str = _extra("")  # replay patches kept under a byte budget by "reservoir", "herding" or "diverse"; "" replays the songs
    memory_megabytes: float = _extra(64.0)
    stored_outputs: float = _extra(0.0)  # weight of what the memory's patches gave when they were stored (DER++, arXiv 2004.07211)
    patience: int = _extra(0)  # kept points without a better one that end the run; 0 goes on to the last step
    pseudo_replay: bool = _extra(False)  # songs without stems are replayed, and validate, with the parent's own outputs as stems
    voice_median: bool = _extra(False)  # the accepted voice is judged by its middle, however much of the rest is bleed that nobody marked
    solo_sdr_db: float = _extra(0.0)  # least song SDR of held voices that sing alone, where the parent has more; 0: they are not heard
    alone: float = _extra(0.0)  # of replay patches: a voice without a band; needs songs to replay, not a memory
    sung: float = _extra(0.0)  # of remixed replay patches: several tries for a stretch in which somebody sings
    over_band: tuple[float, ...] = _extra(())  # least and most dB of a remixed replayed voice over its band; none: as in its song
    patch_levels: bool = _extra(False)  # each patch counts relative to its own mixture's level, not to the mean of a step's
    still_layers: int = _extra(0)  # outermost layers of a U-Net (at most half), down and up each, that are the parent's in the child
    second_by_second: bool = _extra(False)  # median of what each sung second of the past lost, instead of what their median lost
    missing_past: float = _extra(0.0)  # `missing` on replay patches; 0: the same
    missed_patches: int = _extra(0)  # a step, around marks of missing voice, where there are any
    missed_weight: float = _extra(5.0)  # of what is missing there; their target is little over what the parent gives
    bf16: bool = _extra(False)  # the network in bfloat16 while it learns; only hardware that has it gets faster

    @classmethod
    def default(cls) -> "Recipe":
        return cls()

    @classmethod
    def default_for(cls, architecture: str, *, real_songs: bool = False) -> "Recipe":
        """What measured best for separators of this kind, on real songs or generated ones: see docs/figures.md.

        Others have the plain default.
        """
        return cls(**ARCHITECTURES.get(architecture, {}) | (ON_REAL_SONGS.get(architecture, {}) if real_songs else {}))

    @classmethod
    def adapters(cls) -> "Recipe":
        """The default that learns a twentieth of the shipped base's weights.

        At ten times the ordinary rate adapters lose of the past before they have taken out what is marked, so that the limits stop them
        early. At three times they lose less on the way, but need twice the steps (see docs/figures.md).
        """
        return cls(lora_rank=5, lora_times=3.0, steps=240)

    @classmethod
    def changed(cls, differs: object, architecture: str = "", *, real_songs: bool = False) -> "Recipe":
        """The default for an architecture with what differs from it, as JSON gives it.

        Raises BadRecipe, naming the setting and what is allowed.
        """
        if not isinstance(differs, dict):
            raise BadRecipe(f'the recipe is {reprlib.repr(differs)}; it must be an object of settings, for example {{"steps": 200}}')
        default = cls.default_for(architecture, real_songs=real_songs)
        for name, value in differs.items():
            if name not in cls.__dataclass_fields__:
                raise BadRecipe(f"the recipe has {name!r}; its settings are {', '.join(cls.__dataclass_fields__)}")
            if wrong := _wrong(getattr(default, name), value):
                raise BadRecipe(f"the recipe's {name} is {reprlib.repr(value)}; it must be {wrong}")
        plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in differs.items()}
        recipe = replace(default, **plain)
        recipe.check()
        return recipe

    @classmethod
    def paper(cls, algorithm: Algorithm, replay_share: float) -> "Recipe":
        """One of the two algorithms of Gupta et al. as they are, with a share (0 ... 1) of the replay songs as exemplars.

        Full strength, the last step, true targets only: no distillation, no remixing, no shifted or own voices, no rests, errors
        of both signs and of all songs alike. What the paper does not say (rate, steps, patches, margin of marks) is the default's,
        so that a comparison is one of method. Share 0 is fine-tuning without replay. Raises BadRecipe.
        """
        default = cls()
        recipe = cls(
            algorithm=algorithm,
            replay_share=replay_share,
            replay_patches=default.replay_patches if replay_share > 0 else 0,
            remixed=0.0,
            pitch_shift=0.0,
            own_voices=0.0,
            rests=0.0,
            keep_past=0.0,
            keep_accepted=0.0,
            missing=1.0,
            keep_every=0,
            factors=(1.0,),
            stretch_pitch=0.0,
            all_voices=True,
            in_decibels=0.0,
            half_way=0.0,
        )
        recipe.check()
        return recipe

    def settings(self) -> dict[str, Any]:
        """Plain values, as a checkpoint keeps them; without extras that are left at their default."""
        extras = {one.name: one.default for one in fields(self) if one.metadata.get("extra")}
        return {name: value for name, value in asdict(self).items() if name not in extras or value != extras[name]}

    def check(self) -> None:
        """Raise BadRecipe, naming the setting."""
        if self.algorithm not in ("zero-vocal-targets", "synthetic-tracks", "mixed"):
            raise BadRecipe(f"algorithm is {self.algorithm!r}; allowed are zero-vocal-targets, synthetic-tracks, mixed")
        if self.memory not in ("", "reservoir", "herding", "diverse"):
            raise BadRecipe(f"memory is {self.memory!r}; allowed are reservoir, herding, diverse, or nothing")
        for name in ("replay_share", "remixed", "own_voices", "rests", "least_probability", "in_decibels", "alone", "sung"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadRecipe(f"{name} is {getattr(self, name)}; allowed is 0 ... 1")
        for name, least in (
            ("missing", 0),
            ("pitch_shift", 0),
            ("stretch_pitch", 0),
            ("ewc", 0),
            ("l2_sp", 0),
            ("lora_rank", 0),
            ("memory_megabytes", 0),
            ("stored_outputs", 0),
            ("patience", 0),
            ("steps", 1),
            ("n_frames", 8),
            ("new_patches", 1),
            ("replay_patches", 0),
            ("keep_every", 0),
            ("half_way", 0),
            ("later_replay", 1),
            ("marks_fall_db", 0),
            ("still_layers", 0),
            ("missing_past", 0),
            ("missed_patches", 0),
            ("missed_weight", 0),
        ):
            if getattr(self, name) < least:
                raise BadRecipe(f"{name} is {getattr(self, name)}; allowed is {least} or more")
        if not 0 < self.strength <= 1:
            raise BadRecipe(f"strength is {self.strength}; allowed is more than 0, at most 1")
        if self.stored_outputs and not self.memory:
            raise BadRecipe("stored_outputs needs a memory, which stores them: reservoir, herding or diverse")
        if len(self.over_band) not in (0, 2):
            raise BadRecipe(f"over_band is {self.over_band}; allowed are two levels in dB, least and most, or none")
        if self.alone and self.memory:
            raise BadRecipe("alone needs songs to replay; a memory keeps none")
        for name in ("ewc", "memory"):
            if getattr(self, name) and not self.replay_patches:
                raise BadRecipe(f"{name} needs replay; replay_patches is 0")
        for name in ("rate", "lora_times"):
            if not getattr(self, name) > 0:
                raise BadRecipe(f"{name} is {getattr(self, name)}; allowed is more than 0")
        if not self.factors or not all(0 < f <= 1 for f in self.factors):
            raise BadRecipe(f"factors are {self.factors}; allowed is one or more in 0 ... 1, without 0 itself")


# What differs from the default for separators of one architecture.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    # A strong separator, whose false positives are few and sure: few steps, of marks and of its own outputs alone.
    "spleeter": {
        "steps": 60,
        "rate": 3e-4,
        "new_patches": 2,
        "replay_patches": 1,
        "remixed": 0.5,
        "pitch_shift": 0.0,
        "own_voices": 0.0,
        "rests": 0.0,
        "keep_past": 0.0,
        "keep_accepted": 0.0,
        "missing": 1.0,
        "in_decibels": 0.0,
        "half_way": 0.0,
        "factors": (0.15, 0.25, 0.35, 0.5),
        "still_layers": 3,
        "pseudo_replay": True,
        "patch_levels": True,
        "voice_median": True,
        "solo_sdr_db": 20.0,
    },
}

GENERATED_RATE = 16_000  # Hz, of generated songs; no real music comes at so low a rate

# What differs on real songs, where the small U-Net's default, tuned on generated ones, takes hardly anything away.
ON_REAL_SONGS: dict[str, dict[str, Any]] = {
    # What the base made of its own songs holds it (`keep_past`, and what is missing there counts no more than when it learnt), so marks
    # may count: many steps at half the rate, and no replayed voices above their band, which would open the mask for all that leaks.
    "unet": {
        "steps": 240,
        "rate": 5e-4,
        "missing": 1.4,
        "missing_past": 1.0,
        "rests": 0.0,
        "half_way": 6.0,
        "factors": (0.25, 0.5, 0.75, 1.0),
        "voice_kept_db": -1.0,
        "past_lost_db": 0.4,
        "marks_fall_db": 1.5,
        "pseudo_replay": True,
        "voice_median": True,
        "solo_sdr_db": 20.0,
    },
}

LEAST_STRENGTH = 0.125
LATER_STRENGTH = 0.6  # after a promotion


def next_strength(strength: float, *, promoted: bool, costly: bool) -> float:
    """Return the strength of the round after one of this strength, between an eighth and 1.

    What a child takes out grows with how far it goes from its parent, what it costs the voices grows faster: so after a promotion
    the next goes `LATER_STRENGTH` of the way. It goes half as far as a child that was refused for what it cost, and half as far again
    as one that was refused for showing no gain.
    """
    if promoted:
        return LATER_STRENGTH
    return max(LEAST_STRENGTH, strength / 2) if costly else min(1.0, 1.5 * strength)


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


def check_recipe(differs: object) -> None:
    """Raise BadRecipe where a campaign could not adapt with these settings."""
    Recipe.changed(differs)
