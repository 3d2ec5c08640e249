"""What labs write for their people: Markdown (CommonMark) to HTML of which nothing can run, load from elsewhere, or look like the page.

HTML in the text stays text, links lead to web and e-mail addresses alone, no picture is loaded. `![a breath](sound:breath)` becomes a
player of the campaign's own sound of that name. A line break is a line break, as in plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

SOUND = "sound:"
LINKS = ("http://", "https://", "mailto:")
SOUNDS = re.compile(r"\]\(\s*sound:([-\w]+)")
OFF = ("html_block", "html_inline", "code")  # an indented line is text, as it always was


def sounds_in(text: str) -> list[str]:
    """Names of the sounds that a text places, each once, in order."""
    return list(dict.fromkeys(SOUNDS.findall(text)))


def html(text: str, sounds: Mapping[str, str]) -> str:
    """The text as HTML; `sounds` has the address of each by its name. One that is not there is named in its place."""
    return _html(text, tuple(sorted(sounds.items())))


@lru_cache(maxsize=256)
def _html(text: str, sounds: tuple[tuple[str, str], ...]) -> str:
    made: str = _reader().render(text, {"sounds": dict(sounds)})
    return made


class _Renderer(RendererHTML):
    """HTML as our pages want it: headings below theirs, links in a tab of their own, sounds as players."""

    def heading_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return f"<{_below(tokens[at].tag)}>"

    def heading_close(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return f"</{_below(tokens[at].tag)}>\n"

    def link_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        where = str(tokens[at].attrs["href"])
        if where.startswith(SOUND):
            return "<a>"  # a sound is placed with ! before it
        return f'<a href="{escape(where)}" target="_blank" rel="noopener noreferrer nofollow">'

    def image(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        said, where = escape(self.renderInlineAsText(tokens[at].children or [], options, env)), str(tokens[at].attrs["src"])
        if not where.startswith(SOUND):
            return said
        name = where.removeprefix(SOUND)
        if name not in env["sounds"]:
            return f'<span class="sound">{said} <code>{escape(where)}</code></span>'
        address = escape(env["sounds"][name])
        player = f'<audio controls preload="none" aria-label="{said or escape(name)}" src="{address}"></audio>'
        return f'<span class="sound"><span>{said}</span>{player}</span>'


def _below(tag: str) -> str:
    """A heading of the text as one of the page: h1 -> h2."""
    return f"h{min(6, int(tag[1]) + 1)}"


def _may_lead_to(address: str) -> bool:
    return address.lower().startswith((*LINKS, SOUND))


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer).disable(list(OFF))
    reader.validateLink = _may_lead_to  # type: ignore[assignment]
    return reader
