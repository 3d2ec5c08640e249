"""Which endpoints the schema of the site's own pages tells of; apart from `hub.schema`, since drf-spectacular loads it by itself."""

from __future__ import annotations

from typing import Any

from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator


class OfPages(EndpointEnumerator):
    """The endpoints of the site's own pages; `hub.api` has documents of its own."""

    def get_api_endpoints(self, patterns: Any = None, prefix: str = "") -> list[Any]:
        found = super().get_api_endpoints(patterns, prefix)
        return [one for one in found if not one[-1].cls.__module__.startswith("hub.api.")]


class Generator(SchemaGenerator):
    endpoint_inspector_cls = OfPages
