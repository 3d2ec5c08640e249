"""`{% modules "annotation/annotate/page.js" %}`: what a script imports is asked for with the page, not one import after the other."""

import re
from functools import cache
from pathlib import Path
from posixpath import dirname, normpath

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

IMPORT = re.compile(r"""^(?:import|export)\b[^;]*?from "(\.[^"]+)";""", re.MULTILINE)


@register.simple_tag
def modules(script: str) -> SafeString:
    """A <link rel="modulepreload"> for each module that this one needs, itself last."""
    names = _needed(script) if settings.DEBUG else _remembered(script)
    return format_html_join("\n", '<link rel="modulepreload" href="{}">', ((static(name),) for name in names))


def _needed(script: str) -> list[str]:
    needed: dict[str, None] = {}

    def follow(name: str) -> None:
        if name in needed:
            return
        needed[name] = None
        found = finders.find(name)
        assert isinstance(found, str), f"{name} is not among the static files"
        for imported in IMPORT.findall(Path(found).read_text()):
            follow(normpath(f"{dirname(name)}/{imported}"))

    follow(script)
    return list(reversed(needed))


_remembered = cache(_needed)
