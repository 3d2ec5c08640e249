"""What every door of the API is made from: who comes in, lists by pages, one row, filters that are named, JSON or CSV, and ETags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.views.decorators.http import conditional_page
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.core.panels import csv_table
from annotation.models import Membership
from annotation.models.people import Right, named_holders
from hub.api.tokens.authentication import API, TokenMay, member_of
from hub.api.v1.problems import problem
from hub.api.v1.schema import DoorSchema
from hub.requests import JsonParser

USUAL, MOST = 100, 1000  # rows of a page


class CsvRenderer(BaseRenderer):
    """A page of a list as CSV (RFC 4180), UTF-8 without BOM; where the rest is, the header Link says."""

    media_type, format, charset = "text/csv", "csv", "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> bytes:
        columns = (renderer_context or {})["view"].columns()
        return "".join(csv_table(columns, data["items"])).encode()


class Body(serializers.Serializer):
    """What a program sends: these fields and no others."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (other := sorted(set(data) - set(self.fields))):
            raise ValidationError({other[0][:60]: f"It may not be there; what may: {', '.join(self.fields)}."})
        return super().to_internal_value(data)


class Asked(serializers.Serializer):
    """What may stand behind the `?` of a list; `lookups` says what a filter is called in the database, where not the same."""

    cursor = serializers.RegexField(r"^[0-9]{1,18}$", required=False, help_text="where the page begins: as `next` of the one before says")
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=USUAL, help_text="rows of a page")
    order = serializers.ChoiceField(choices=["oldest", "newest"], default="oldest", help_text="which come first")
    format = serializers.ChoiceField(choices=["json", "csv"], required=False, help_text="in place of the header Accept")

    lookups: ClassVar[dict[str, str]] = {}
    PAGING = ("cursor", "limit", "order", "format")

    def to_internal_value(self, data: Any) -> Any:
        if other := sorted(set(data) - set(self.fields)):
            raise ValidationError({other[0][:60]: f"There is no such filter; there are: {', '.join(self.fields)}."})
        return super().to_internal_value(data)

    @property
    def wanted(self) -> dict[str, Any]:
        """The filters that were given, as the database calls them."""
        said: dict[str, Any] = self.validated_data
        given = {name: value for name, value in said.items() if name not in self.PAGING and value is not None}
        return {self.lookups.get(name, name): value for name, value in given.items()}


class Door(APIView):
    """A door of `/api/v1/`: tokens first, then sessions. `member` asks for the membership, with no more rights than the token has."""

    authentication_classes = API
    permission_classes = [TokenMay]
    renderer_classes = [JSONRenderer]
    parser_classes = [JsonParser]
    http_method_names = ["get", "head", "post"]
    schema = DoorSchema()
    right: ClassVar[Right | None] = None
    """What the membership must have; None: nothing special."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return conditional_page(super().as_view(**initkwargs))  # ETag of the answer, 304 for who has it

    def get_exception_handler(self) -> Any:
        return problem

    def member(self, slug: str, right: Right | None = None) -> Membership:
        """Raises `NotFound`, `PermissionDenied` and `Archived`."""
        member = member_of(self.request, slug=slug)
        if (needed := right or self.right) and not member.may(needed):
            raise PermissionDenied(f"Only {named_holders(needed)} of the campaign may do this, and tokens of theirs for such a role.")
        return member

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if getattr(response, "exception", False):
            response.accepted_renderer = JSONRenderer()  # a problem is JSON, whatever was asked for
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Accept, Authorization, Cookie"
        return response


class Rows(Door):
    """A list of a campaign's rows, by pages in the order of their ids.

    A subclass says the fields of a `row` with their types, what may be asked for (`asked`), and where the rows are (`found`).
    """

    renderer_classes = [JSONRenderer, CsvRenderer]
    name: ClassVar[str]
    row: ClassVar[dict[str, serializers.Field]]
    asked: ClassVar[type[Asked]] = Asked
    key: ClassVar[str] = "pk"
    """What the pages are ordered by: a whole number that is one row's alone. The row's first field has it."""
    asked_as: ClassVar[dict[str, str]] = {}
    """Fields of a row that the database is asked for by another name, since the model has something else of that name."""

    def found(self, member: Membership) -> QuerySet[Any]:
        """All rows of the campaign."""
        raise NotImplementedError

    def rows_of(self, slug: str | None) -> QuerySet[Any]:
        """The same, for who may see them."""
        assert slug is not None
        return self.found(self.member(slug))

    def fields(self) -> list[str]:
        """What the database is asked for, where rows come as dicts."""
        return [self.asked_as.get(name, name) for name in self.row]

    def shaped(self, rows: list[Any]) -> Iterator[dict[str, Any]]:
        """Rows as they are answered, as dicts with the fields of a row."""
        for one in rows:
            yield {name: one[self.asked_as.get(name, name)] for name in self.row}

    def get_renderers(self) -> list[BaseRenderer]:
        """CSV is of lists alone: what a POST makes is answered as JSON."""
        return [JSONRenderer()] if getattr(self.request, "method", "") == "POST" else super().get_renderers()

    def get(self, request: Request, slug: str | None = None) -> Response:
        asked = self.asked(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        said, found = asked.validated_data, self.rows_of(slug).filter(**asked.wanted)
        newest = said["order"] == "newest"
        if "cursor" in said:
            found = found.filter(**{f"{self.key}__{'lt' if newest else 'gt'}": int(said["cursor"])})
        rows = list(found.order_by(f"{'-' if newest else ''}{self.key}")[: said["limit"] + 1])
        page = list(self.shaped(rows[: said["limit"]]))
        following = None
        if len(rows) > len(page):
            following = self._address(request, page[-1][next(iter(self.row))])
        return Response({"items": page, "next": following}, headers={"Link": f'<{following}>; rel="next"'} if following else None)

    @staticmethod
    def _address(request: Request, cursor: int) -> str:
        said = {**request.query_params.dict(), "cursor": str(cursor)}
        return request.build_absolute_uri(f"{request.path}?{urlencode(said)}")

    def columns(self) -> list[str]:
        """Of the CSV."""
        return list(self.row)


class Row(Door):
    """One row of a list, by what stands in its address; `rows` is the list's door."""

    rows: ClassVar[type[Rows]]
    by: ClassVar[str] = "pk"

    def get(self, request: Request, slug: str, **named: Any) -> Response:
        if other := sorted(request.query_params):
            raise ValidationError({other[0][:60]: "Nothing may stand behind the ?."})
        door = self.rows()
        door.request = request
        found = door.rows_of(slug)
        for value in named.values():  # one, or none where the slug says it all
            found = found.filter(**{self.by: value})
        if not (rows := list(found[:1])):
            raise NotFound
        return Response(next(iter(door.shaped(rows))))


def one_of(rows: type[Rows], by: str = "pk") -> type[Row]:
    """The door of one row of a list."""
    return cast(type[Row], type(f"One{rows.__name__}", (Row,), {"rows": rows, "by": by, "__doc__": f"One of: {rows.__doc__}"}))
