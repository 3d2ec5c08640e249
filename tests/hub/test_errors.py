"""What becomes of errors: those of the work have a status and words, and none is forgotten."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import annotation
import learner
from annotation.core.errors import DomainError

NOT_ANSWERED = {
    "Damaged": "a file of the storage; jobs say it of its track",
    "Lost": "a worker stops",
    "NoRoom": "a job waits",
    "NoneLeft": "the reason of a job",
    "NothingLeaks": "another gold clip is made",
    "UnusableTrack": "the track is set aside",
    "UnknownWheel": "set-up ends with it",
}
"""Errors that never come to a page or an API endpoint, and what becomes of them."""


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.startswith(("learner.core", "learner.work")) and ".migrations" not in found.name and "__main__" not in found.name:
            yield importlib.import_module(found.name)


def test_every_error_of_the_work_has_a_status_or_never_comes_to_a_page() -> None:
    strays = {
        f"{module.__name__}.{name}"
        for package in (annotation, learner)
        for module in modules_of(package)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == module.__name__
        if not issubclass(kind, DomainError) and name not in NOT_ANSWERED
    }
    assert not strays, "give it the base DomainError, and a status, or say in NOT_ANSWERED what becomes of it"


def test_an_error_without_words_of_its_own_says_those_of_its_class() -> None:
    class Full(DomainError):
        """The campaign is full."""

    assert str(Full()) == "The campaign is full."
    assert str(Full("Come back tomorrow.")) == "Come back tomorrow."
