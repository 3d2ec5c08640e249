"""What the work does not allow: one base class, so that pages, API and commands can say it in the same words."""

import inspect
from collections.abc import Callable
from http import HTTPStatus


class DomainError(Exception):
    """The work does not allow this. What people read is the error's own text, or the docstring of its class where it has none."""

    status = HTTPStatus.CONFLICT  # of the HTTP answer that it becomes
    retry_after: int | None = None  # seconds after which the same may be allowed, where that is known

    def __str__(self) -> str:
        return super().__str__() or inspect.cleandoc(type(self).__doc__ or "")

    def said(self, translate: Callable[[str], str]) -> str:
        """The same in another language."""
        return translate(str(self))
