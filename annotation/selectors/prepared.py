"""Questions that are asked with every request: their SQL is put together once, since that costs Django more than asking them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


class Prepared(Generic[Row]):
    """A queryset that is built once and asked many times, each time with other values.

    `make` builds the queryset from values by name. `samples` are example values to build it with once; each must be a value that
    occurs nowhere else in the query. Real values must be ids, texts or times that are compared with, never None. A call returns rows.
    """

    def __init__(self, make: Callable[..., QuerySet[Row]], **samples: Any) -> None:
        self._make, self._samples = make, samples
        self._built: tuple[QuerySet[Row], Any, str, list[Any]] | None = None

    def __call__(self, **values: Any) -> list[Row]:
        queryset, compiler, sql, names = self._built or self._build()
        given = tuple(values[name] if known else name for name, known in names)
        # A compiler belongs to the connection of one thread, and finds its SQL already made.
        mine = copy(compiler)
        mine.connection = connections[compiler.using]
        mine.as_sql = lambda *_, **__: (sql, given)
        asked = queryset.all()
        asked.query.get_compiler = lambda *_, **__: mine  # type: ignore[method-assign]
        return list(asked)

    def _build(self) -> tuple[QuerySet[Row], Any, str, list[Any]]:
        queryset = self._make(**self._samples)
        compiler = queryset.query.get_compiler(queryset.db)
        sql, params = compiler.as_sql()
        by_value = {value: name for name, value in self._samples.items()}
        names = [(by_value.get(one, one), one in by_value) for one in params]
        missing = set(self._samples) - {name for name, known in names if known}
        assert not missing, f"not a value of the query as it is: {missing}"
        self._built = queryset, compiler, sql, names
        return self._built
