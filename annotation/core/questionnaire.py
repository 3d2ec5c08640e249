"""The questions that a campaign asks at the first visit, as its managers write them, and what an answer says of a person.

    What do you hear with?
    - Headphones = headphones
    - Loudspeakers = loudspeakers
    Which languages do you speak?
    * German = language: German
    * English = language: English

A line without a sign asks; `-` is one of several answers, `*` one of which any number may be chosen. Behind `=` stands the tag that the
answer gives; without one it gives none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LONGEST_TAG = 40  # characters
MOST_TAGS = 20  # of one person
MOST_QUESTIONS, MOST_ANSWERS = 10, 20


@dataclass(frozen=True)
class Answer:
    """One answer that can be chosen; `tag` is empty where it gives none."""

    text: str
    tag: str


@dataclass(frozen=True)
class Question:
    """`several`: any number of answers may be chosen, else one at most."""

    text: str
    answers: tuple[Answer, ...]
    several: bool


def read(written: str) -> list[Question]:
    """The questions in a text. Raises ValueError, in words, with the line."""
    found: list[tuple[str, list[Answer], set[str]]] = []
    for number, line in enumerate(written.splitlines(), 1):
        line = line.strip()
        if not line:
            continue
        if line[0] not in "-*":
            found.append((line, [], set()))
            continue
        if not found:
            raise ValueError(f"Line {number}: an answer stands before any question.")
        text, _, tag = (part.strip() for part in line[1:].partition("="))
        if not text or len(tag) > LONGEST_TAG:
            raise ValueError(f"Line {number}: an answer needs words, and a tag has at most {LONGEST_TAG} characters.")
        found[-1][1].append(Answer(text, tag))
        found[-1][2].add(line[0])
    for text, answers, signs in found:
        if not 2 <= len(answers) <= MOST_ANSWERS:
            raise ValueError(
                f"“{text[:60]}” has {len(answers)} answers; it may have 2 to {MOST_ANSWERS}, each in a line that begins with - or *."
            )
        if len(signs) > 1:
            raise ValueError(f"The answers to “{text[:60]}” begin with - and with *; they may all begin with the one or with the other.")
    if len(found) > MOST_QUESTIONS:
        raise ValueError(f"These are {len(found)} questions; ask {MOST_QUESTIONS} at most.")
    return [Question(text, tuple(answers), "*" in signs) for text, answers, signs in found]


def chosen(questions: Sequence[Question], said: Mapping[int, Iterable[int]]) -> dict[str, list[str]]:
    """Question -> the answers that somebody chose, by their places from 0; what cannot be chosen is passed over."""
    found = {}
    for number, question in enumerate(questions):
        places = [place for place in dict.fromkeys(said.get(number, ())) if 0 <= place < len(question.answers)]
        if places := places if question.several else places[:1]:
            found[question.text] = [question.answers[place].text for place in places]
    return found


def tags_of(questions: Sequence[Question], answers: Mapping[str, Sequence[str]]) -> list[str]:
    """The tags that these answers give."""
    given = [one.tag for question in questions for one in question.answers if one.text in answers.get(question.text, ())]
    return list(dict.fromkeys(tag for tag in given if tag))


def with_tags(tags: Iterable[str], *, add: Iterable[str] = (), take: Iterable[str] = ()) -> list[str]:
    """Tags of a person, sorted, with some more and without others. Raises ValueError where a tag or their number is not allowed."""
    found = sorted(({*tags} | {tag.strip() for tag in add}) - {*take, ""})
    if wrong := next((tag for tag in found if len(tag) > LONGEST_TAG or not tag.isprintable() or "," in tag), None):
        raise ValueError(f"{wrong[:60]!r} is no tag: it may have {LONGEST_TAG} characters, and no comma.")
    if len(found) > MOST_TAGS:
        raise ValueError(f"A person may have {MOST_TAGS} tags at most.")
    return found
