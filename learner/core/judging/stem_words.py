"""How the library speaks of a stem: its sentences are written for a voice, and say something else where that is taken out."""

import re

CALLED = {  # stem: (what is to stay, of which there may be many)
    "drums": ("drums", "drums"),
    "bass": ("bass", "bass notes"),
    "other": ("other instruments", "other instruments"),
    "accompaniment": ("accompaniment", "instruments"),
}


def said_of(stem: str, sentence: str) -> str:
    """The sentence, as it is where the stem is vocals, else in that stem's words."""
    if stem not in CALLED:
        return sentence
    one, many = CALLED[stem]
    for word, theirs in (
        ("true voice changes", f"level of the true {one} changes"),
        ("held voices that sing alone", f"{many} that sound alone"),
        ("sung seconds", "sounding seconds"),
        ("somebody sings", "it sounds"),
        ("voices", many),
        ("voice", one),
    ):
        sentence = re.sub(rf"\b{word}\b", theirs, sentence)
    return sentence
