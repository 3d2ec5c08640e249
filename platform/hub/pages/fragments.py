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
from hub.pages.charts.chart import said
from learner.core.judging.names import FALSE_POSITIVES, SDR_MEDIAN, VOICE
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


FEW = (FALSE_POSITIVES, VOICE, SDR_MEDIAN)
"""What a table of figures shows at once; the rest is folded away."""
LESS_IS_BETTER = ("false_positive", "pes_dbfs")


def tables_of(table: Table, wording: Wording) -> list[Context]:
    """A table of figures for each domain that was measured: `few` columns, and `all` of those that anybody has."""
    tables, headings = [], words.metrics(wording)
    for domain in (Track.Domain.TARGET, Track.Domain.SOURCE):
        metrics = [metric for metric in headings if any(metric in row.figures[domain] for row in table)]
        few = [metric for metric in metrics if metric in FEW] or metrics[:3]
        if metrics:
            more = metrics if len(metrics) > len(few) else []
            tables.append({"domain": domain, "few": _table(table, domain, few, headings), "all": _table(table, domain, more, headings)})
    return tables


def _table(table: Table, domain: str, metrics: list[str], headings: dict[str, tuple[str, str, str]]) -> Context:
    columns = [_column(table, domain, metric) for metric in metrics]
    rows = [{"row": row, "cells": cells} for row, cells in zip(table, zip(*columns, strict=True), strict=True)] if columns else []
    return {"columns": [headings[metric] for metric in metrics], "rows": rows}


def _column(table: Table, domain: str, metric: str) -> list[Context]:
    """What each row has of one metric: the value, the change from the parent, and whether it is the best or worst of the checkpoints."""
    found = [row.figures[domain].get(metric) for row in table]
    values = {one.value for one, row in zip(found, table, strict=True) if one and one.value is not None and not row.is_baseline}
    best, worst = (min(values), max(values)) if len(values) > 1 else (None, None)
    if not metric.startswith(LESS_IS_BETTER):
        best, worst = worst, best
    cells = []
    for one, row in zip(found, table, strict=True):
        value, before = one.value if one else None, row.before.get(domain, {}).get(metric)
        of_checkpoint = value is not None and not row.is_baseline
        change = value - before.value if value is not None and before and before.value is not None and of_checkpoint else None
        rank = ("best" if value == best else "worst" if value == worst else "") if of_checkpoint else ""
        cells.append({"figure": one, "said": said(value) if value is not None else "", "change": change, "rank": rank})
    return cells
