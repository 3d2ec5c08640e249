"""Names as file systems allow them, which may be no text at all, as text that can be shown, stored, and used for a file again."""

import hashlib
import sys
import unicodedata

# Control characters, bytes that are no text, ends of lines and paragraphs; and what turns the direction of a line round.
UNSHOWN = ("Cc", "Cs", "Zl", "Zp")
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
LONGEST = 255  # bytes of a file's name


def readable(name: object) -> str:
    r"""The name as one line of text: what cannot be printed is written as Python writes it, such as \n, or \xf6 for a byte alone."""
    return "".join(
        _written(character) if unicodedata.category(character) in UNSHOWN or character in TURNS else character for character in str(name)
    )


def _written(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte of a file's name that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def fitting(name: str) -> str:
    """The name with every part of it short enough for a folder: a longer one is cut, and a hash keeps it apart from others."""
    return "/".join(_cut(part) for part in name.split("/"))


def _cut(part: str) -> str:
    whole = part.encode()
    if len(whole) <= LONGEST:
        return part
    return f"{whole[: LONGEST - 13].decode(errors='ignore')}~{hashlib.sha256(whole).hexdigest()[:12]}"


def print_anything() -> None:
    """Let standard output and error show what their encoding cannot, such as an accent in ASCII, by its number instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
