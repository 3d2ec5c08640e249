"""What pages of the site share: fragments that re-fetch themselves, and tables of figures."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from annotation.core.stems import Wording
from annotation.models import Track
from hub.pages import words
from learner.selectors import Table

Context = dict[str, Any]
ROUNDS_SHOWN = 5  # the latest ones; those before them are folded away


def fragment(request: HttpRequest, template: str, context: Context) -> tuple[SafeString, str]:
    """A part of a page, and the digest that it carries, which the page sends when it asks again."""
    html = render_to_string(template, context, request)
    digest = hashlib.sha256(re.sub(r'(name="csrfmiddlewaretoken" value=)"[^"]*"', "", html).encode()).hexdigest()[:16]
    return format_html('<input type="hidden" name="seen" value="{}">{}', digest, html), digest


def unless_seen(request: HttpRequest, html: SafeString, digest: str) -> HttpResponse:
    """204 when the page shows this already, so that nothing jumps under a reader's hand."""
    return HttpResponse(status=204) if request.GET.get("seen") == digest else HttpResponse(html)


def tables_of(table: Table, wording: Wording) -> list[Context]:
    """A table of figures for each domain that was measured, with a cell for each metric that anybody has."""
    tables, headings = [], words.metrics(wording)
    for domain in (Track.Domain.TARGET, Track.Domain.SOURCE):
        rows = [(row, row.figures[domain]) for row in table]
        metrics = [metric for metric in headings if any(metric in figures for _, figures in rows)]
        if metrics:
            tables.append(
                {
                    "domain": domain,
                    "columns": [headings[metric] for metric in metrics],
                    "rows": [{"row": row, "cells": [figures.get(metric) for metric in metrics]} for row, figures in rows],
                }
            )
    return tables
