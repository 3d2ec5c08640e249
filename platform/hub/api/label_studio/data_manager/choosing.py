"""Which tasks are meant, as the data manager says it: filters, an order, and tasks picked one by one."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from annotation.models import Membership
from hub.api.label_studio.data_manager.models import View
from hub.api.label_studio.door import missing
from hub.api.tokens.authentication import member_of

COLUMNS = {"id": "pk", "inner_id": "pk", "total_annotations": "n_answers", "cancelled_annotations": "n_skips"}
OPERATORS = {"equal": "", "greater": "__gt", "less": "__lt", "greater_or_equal": "__gte", "less_or_equal": "__lte"}
LARGEST = 2**31 - 1
MOST = 5000  # tasks that are picked one by one
MOST_FILTERS = 50


def chosen(tasks: QuerySet[Any], said: Any) -> QuerySet[Any]:
    """Those of `tasks` (which are counted) that `filters` and `selectedItems` name, in the order of `ordering`, else by their numbers.

    Raises `ValidationError` for what cannot be asked for, so that nothing is left out unsaid.
    """
    if not isinstance(said, dict):
        raise _wrong("It is an object with filters, ordering and selectedItems.")
    found = _picked(_filtered(tasks, said.get("filters")), said.get("selectedItems"))
    orders = said.get("ordering") or []
    if not isinstance(orders, list) or len(orders) > 1:
        raise _wrong("ordering is a list of one name.")
    return found.order_by(*[_order(one) for one in orders], "pk")


def view_of(request: Request, view_id: int, within: Membership | None = None) -> tuple[View, Membership]:
    """A view that this request may see, and its membership there; `within`: of just that project. Raises `NotFound`."""
    view = View.objects.filter(pk=view_id, **({} if within is None else {"campaign": within.campaign_id})).first()
    if view is None:
        raise NotFound(missing("View"))
    return view, within or member_of(request, pk=view.campaign_id)


def _filtered(tasks: QuerySet[Any], filters: Any) -> QuerySet[Any]:
    if not filters:
        return tasks
    items = filters.get("items") or [] if isinstance(filters, dict) else None
    if not isinstance(items, list) or len(items) > MOST_FILTERS or filters.get("conjunction", "and") not in ("and", "or"):
        raise _wrong("filters has a conjunction, and or or, and items.")
    asked = [_filter(item) for item in items]
    if not asked:
        return tasks
    return tasks.filter(reduce(operator.or_ if filters.get("conjunction") == "or" else operator.and_, asked))


def _filter(item: Any) -> Q:
    item = item if isinstance(item, dict) else {}
    column, how, value = _column(item.get("filter"), "filter:"), item.get("operator"), item.get("value")
    if how in ("in", "not_in") and isinstance(value, dict):
        inside = Q(**{f"{column}__gte": _number(value.get("min")), f"{column}__lte": _number(value.get("max"))})
        return inside if how == "in" else ~inside
    if how == "not_equal":
        return ~Q(**{column: _number(value)})
    if not isinstance(how, str) or how not in OPERATORS:
        raise _wrong(f"operator is one of {', '.join([*OPERATORS, 'not_equal', 'in', 'not_in'])}.")
    return Q(**{f"{column}{OPERATORS[how]}": _number(value)})


def _picked(tasks: QuerySet[Any], picked: Any) -> QuerySet[Any]:
    if not picked:
        return tasks
    numbers = picked.get("excluded" if picked.get("all", True) else "included") or [] if isinstance(picked, dict) else None
    if not isinstance(numbers, list) or len(numbers) > MOST:
        raise _wrong(f"selectedItems has all, and a list included or excluded of at most {MOST:,} tasks.")
    named = Q(pk__in=[_number(one) for one in numbers])
    return tasks.filter(~named if picked.get("all", True) else named)


def _order(name: Any) -> str:
    backwards = isinstance(name, str) and name.startswith("-")
    return f"{'-' * backwards}{_column(name[1:] if backwards else name)}"


def _column(name: Any, before: str = "") -> str:
    column = name.removeprefix(before).removeprefix("tasks:") if isinstance(name, str) else ""
    if column not in COLUMNS:
        raise _wrong(f"Tasks are told apart by {', '.join(f'{before}tasks:{one}' for one in COLUMNS)} alone.")
    return COLUMNS[column]


def _number(value: Any) -> int:
    """Programs write numbers as text, too."""
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
    if not text.isascii() or not text.removeprefix("-").isdecimal() or len(text) > 11 or abs(int(text)) > LARGEST:
        raise _wrong("A value is a whole number.")
    return int(text)


def _wrong(words: str) -> ValidationError:
    return ValidationError({"query": [words]})
