"""Finds what is to be translated, in templates, Python and scripts; and what a template or a script says without asking for it."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import Node
from django.template.loader import get_template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

from annotation.core import first_visit_sounds, hearing, label_studio
from annotation.core.stems import STEMS
from annotation.models import Assignment, Membership
from hub.home import ROOT
from hub.languages.catalogs import Key

TEMPLATES = ROOT / "templates"
ENGLISH = {
    "accounts/first_admin.html",
    *(f"annotation/{name}.html" for name in ("accept_reviews", "misread")),
    *(
        f"annotation/{name}.html"
        for name in ("crowd_links", "invitations", "notes", "people", "person", "review", "reviews", "told_sounds")
    ),
    *(f"annotation/parts/{name}.html" for name in ("answer_lanes", "measured", "note", "person", "review_links")),
}
"""Templates of managers, reviewers and who runs the site, beside all in `hub/`: these are not translated."""

HUB = {"hub/own_songs.html", "hub/own_song.html", "hub/own_song_remove.html", "hub/parts/own_song.html"}
"""What is in `hub/` and yet for everybody."""

PYTHON = (
    "annotation",
    "platform/hub/accounts",
    "platform/hub/notices",
    "platform/hub/pages",
    "platform/hub/errors.py",
    "platform/hub/error_pages.py",
    "platform/hub/requests.py",
    "learner/services/own_songs.py",
)
SCRIPTS = "annotation/static/annotation"
KEYS = {
    "Alt",
    "Backspace",
    "Control",
    "Ctrl",
    "Dead",
    "Delete",
    "Down",
    "Enter",
    "Escape",
    "Left",
    "Meta",
    "Right",
    "Shift",
    "Space",
    "Tab",
    "Up",
}
MACHINE = {"too soon", "begun and not ended", "cannot tell", "cannot decide", "Segment"}  # what scripts and server say to each other
CALLS = {"gettext", "gettext_lazy", "gettext_noop", "_", "ngettext", "ngettext_lazy"}
NAMES = {"Unbleed", "Label Studio", "Prolific", "Audacity", "JavaScript"}  # the same in every language
SEEN = {"aria-label", "title", "alt", "placeholder", "aria-description"}  # attributes that people read or hear


def templates() -> list[str]:
    """The names of all templates that are translated."""
    names = [str(path.relative_to(TEMPLATES)) for path in sorted(TEMPLATES.rglob("*.html"))]
    return [name for name in names if name not in ENGLISH and (name in HUB or not name.startswith("hub/"))]


def scripts() -> list[Path]:
    """All scripts but those of the review page and the page of a track, which are for reviewers and managers."""
    return [path for path in sorted((ROOT / SCRIPTS).rglob("*.js")) if not {"lsf", "review", "track"} & set(path.parts)]


def in_template(name: str) -> Iterator[Key]:
    """The texts of one template, as Django looks them up."""
    template = get_template(name).template  # type: ignore[attr-defined]
    for node in template.nodelist.get_nodes_by_type(Node):
        if isinstance(node, TranslateNode) and (text := getattr(node.filter_expression.var, "literal", None)):
            yield str(text).replace("%", "%%"), ""
        if isinstance(node, BlockTranslateNode):
            one, _ = node.render_token_list(node.singular)
            yield one, node.render_token_list(node.plural)[0] if node.plural else ""


def in_python(path: Path) -> Iterator[Key]:
    """The texts of one module: those of the calls, and what the work's errors say by their docstring."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CALLS:
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if texts:
                yield texts[0], texts[1] if "ngettext" in getattr(node.func, "id", "") else ""
        if isinstance(node, ast.ClassDef) and "DomainError" in {getattr(base, "id", "") for base in node.bases}:
            yield inspect.cleandoc(ast.get_docstring(node) or ""), ""


SAID = r"[^\W\d_]{2,}[,;:.!?]? [^\W\d_]{2,}|^[A-Z][a-z]+[.!?…]?$"
STRING = r'"((?:[^"\\\n]|\\.)*)"'


def in_script(path: Path) -> Iterator[Key]:
    source = _without_comments(path)
    for one in re.findall(rf"\bgettext\({STRING}", source):
        yield ast.literal_eval(f'"{one}"'), ""
    for one, many in re.findall(rf"\bngettext\({STRING},\s*{STRING}", source):
        yield ast.literal_eval(f'"{one}"'), ast.literal_eval(f'"{many}"')


def _without_comments(path: Path) -> str:
    return re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", path.read_text("utf-8"), flags=re.S)


STEM_WORDS = (
    "label",
    "missing_label",
    "name",
    "title",
    "wrong",
    "rests",
    "extracted",
    "the",
    "were",
    "to_mark",
    "to_leave",
    "under",
    "only_where",
)


def in_values() -> Iterator[Key]:
    """Words that pages say by a variable: those for a stem, roles, reasons to skip, the examples of the first visit."""
    yield from ((getattr(wording, name), "") for wording in STEMS.values() for name in STEM_WORDS)
    yield from ((text, "") for text in (label_studio.MARK_HERE, label_studio.THE_MIX, hearing.TOO_LITTLE))
    yield from ((value, "") for values in (Membership.Role.values, Assignment.SkipReason.values) for value in values)
    for one in (*first_visit_sounds.SHOWN, *first_visit_sounds.PRACTICE):
        yield from ((text, "") for text in (one.title, one.lesson, *first_visit_sounds.OF_OTHERS[one.name]))


def of_pages() -> set[Key]:
    """All texts of the domain "django": what templates and Python say."""
    modules = [path for place in PYTHON for path in ([ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py")))]
    found: Iterable[Iterable[Key]] = [*map(in_template, templates()), *map(in_python, modules), in_values()]
    return {key for keys in found for key in keys if key[0]}


def of_scripts() -> set[Key]:
    """All texts of the domain "djangojs"."""
    return {key for path in scripts() for key in in_script(path)}


class _Said(HTMLParser):
    """Collects what a page says to people."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside.append(tag)
        self.found += [value for name, value in attrs if name in SEEN and value and _words(value)]

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "kbd"} & set(self.inside) and _words(data):
            self.found.append(" ".join(data.split()))


def _words(text: str) -> bool:
    """Whether there are words in it that another language has others for; units and one-letter keys are none."""
    for name in NAMES:
        text = text.replace(name, "")
    return bool(re.search(r"[^\W\d_]{3}", text))


def unasked_in_template(name: str) -> list[str]:
    """What a template says in English to everybody: outside of `translate` and `blocktranslate`."""
    source = (TEMPLATES / name).read_text("utf-8")
    source = re.sub(r"{% (blocktrans(?:late)?|comment)\b.*?{% end\1 %}", "", source, flags=re.S)
    source = re.sub(r"{% block (?:main_class|body_class|html_attributes) %}.*?{% endblock %}", "", source)
    source = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", source, flags=re.S)
    said = _Said()
    said.feed(source)
    said.close()
    return said.found


def unasked_in_script(path: Path) -> list[str]:
    """Texts with two words or more that a script does not ask for by `gettext` or `ngettext`; a guess, as code is not read."""
    source = re.sub(rf"\bgettext\({STRING}", "", _without_comments(path))
    source = re.sub(rf"\bngettext\({STRING},\s*{STRING}", "", source)
    literals = re.findall(rf"{STRING}|`((?:[^`\\]|\\.)*)`", source)
    plain = [re.sub(r"\$\{[^{}]*(?:{[^{}]*}[^{}]*)*\}", "…", one or other) for one, other in literals]
    other = NAMES | KEYS | MACHINE
    code = r"=>|\[|sans-serif|, summary|\(hover"
    return [text for text in plain if re.search(SAID, text) and text not in other and not re.search(code, text)]
