"""The stems that a campaign may be about, and how people speak of each: every page, file and message takes its words from here.

The library speaks for itself (`learner.core.judging.stem_words`), since it knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True)
class Wording:
    """The words for one stem. What `wrong`, `rests` and `plays` say goes on after "something that is", "while" and "where"."""

    name: str  # what the model extracts: "vocals"
    wrong: str
    rests: str
    plays: str
    sound: str  # what is to stay: "voice"
    resting: str  # "the voice rests"
    were: str  # "were", as the name asks for
    to_mark: str  # what is wrong, at length
    to_leave: str  # what belongs to it, at length
    under: str  # what nobody can hear apart from it
    only_where: str

    @property
    def title(self) -> str:
        return self.name.capitalize()

    @property
    def extracted(self) -> str:
        return f"extracted {self.name}"

    @property
    def the(self) -> str:
        return f"the {self.name}"

    @property
    def label(self) -> str:
        """Of marks, in Label Studio's format."""
        return f"False positive {self.name}"

    @property
    def missing_label(self) -> str:
        """Of marks of what is missing, in the same format."""
        return f"Missing {self.name}"

    @property
    def kept(self) -> str:
        """Heading of the figure that says how much of it is left."""
        return f"{self.sound.capitalize()} kept"

    @property
    def stays(self) -> str:
        return f"the {self.sound} {'is' if self.resting.endswith('rests') else 'are'} kept"

    def said(self, translate: Callable[[str], str]) -> Wording:
        """The same in another language; but for the labels of marks, which programs read."""
        return cast(Wording, _Said(self, translate))


class _Said:
    """Looks like a wording. It puts no words together itself: of "extracted vocals" each language has its own."""

    def __init__(self, wording: Wording, translate: Callable[[str], str]) -> None:
        self._wording, self._translate = wording, translate

    def __getattr__(self, name: str) -> str:
        said = str(getattr(self._wording, name))
        return said if name.endswith("label") else self._translate(said)


STEMS = {
    "vocals": Wording(
        "vocals",
        wrong="not a voice",
        rests="nobody sings",
        plays="somebody sings",
        sound="voice",
        resting="the voice rests",
        were="were",
        to_mark="Instruments, noise or ghosts of them",
        to_leave="Voices of all kinds, breath, lips, echoes of the voice",
        under="Instruments under a voice that sings",
        only_where="it rests",
    ),
    "drums": Wording(
        "drums",
        wrong="not a drum",
        rests="no drums play",
        plays="drums play",
        sound="drums",
        resting="the drums rest",
        were="were",
        to_mark="Voices, other instruments, noise or ghosts of them",
        to_leave="Drums and percussion of all kinds, cymbals that ring out, echoes of the drums",
        under="Other sounds under drums that play",
        only_where="they rest",
    ),
    "bass": Wording(
        "bass",
        wrong="not a bass",
        rests="no bass plays",
        plays="the bass plays",
        sound="bass",
        resting="the bass rests",
        were="was",
        to_mark="Voices, other instruments, noise or ghosts of them",
        to_leave="Basses of all kinds, fingers on strings, notes that ring out",
        under="Other sounds under a bass that plays",
        only_where="it rests",
    ),
    "other": Wording(
        "other instruments",
        wrong="a voice, a drum or a bass",
        rests="no other instrument plays",
        plays="other instruments play",
        sound="other instruments",
        resting="the other instruments rest",
        were="were",
        to_mark="Voices, drums, basses, noise or ghosts of them",
        to_leave="All instruments but drums and basses, notes that ring out, echoes of them",
        under="Other sounds under instruments that play",
        only_where="they rest",
    ),
    "accompaniment": Wording(
        "accompaniment",
        wrong="not an instrument",
        rests="no instrument plays",
        plays="instruments play",
        sound="accompaniment",
        resting="the accompaniment rests",
        were="was",
        to_mark="Voices, noise or ghosts of them",
        to_leave="Instruments of all kinds, notes that ring out, echoes of them",
        under="Voices over instruments that play",
        only_where="they rest",
    ),
}
CHOICES = [(stem, wording.name) for stem, wording in STEMS.items()]
USUAL = "vocals"


def rest_of(stem: str) -> str:
    """Under which name a song's files keep everything else that is in its mixture."""
    return {"vocals": "accompaniment", "accompaniment": "vocals"}.get(stem, "rest")


def stem_of(label: str) -> str | None:
    """The stem that a label speaks of; None where it is none of ours."""
    return next((stem for stem, wording in STEMS.items() if label in (wording.label, wording.missing_label)), None)
