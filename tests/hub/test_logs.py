"""Logs stay small, say what repeats once, and hold no secrets."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import logs


@pytest.fixture
def written() -> Iterator[tuple[logging.Logger, io.StringIO, list[float]]]:
    """A logger with our filters, what it wrote, and its clock."""
    clock = [1000.0]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(logs.WithoutTokens())
    handler.addFilter(logs.Repeats(now=lambda: clock[0]))
    logger = logging.Logger("test of logs")
    logger.addHandler(handler)
    yield logger, stream, clock


def fail(logger: logging.Logger, path: str, reason: str = "no room") -> None:
    try:
        raise OSError(reason)
    except OSError:
        logger.exception("Internal Server Error: %s", path)


def test_an_error_that_repeats_is_written_once_and_counted(written: tuple[logging.Logger, io.StringIO, list[float]]) -> None:
    logger, stream, clock = written
    for number in range(200):
        fail(logger, f"/api/tasks/{number}/submission/")
    assert stream.getvalue().count("Traceback") == 1
    clock[0] += logs.QUIET + 1
    fail(logger, "/api/tasks/7/submission/")
    assert stream.getvalue().count("Traceback") == 2
    assert "199 more like it in the last 61 s" in stream.getvalue()


def test_another_error_is_written_at_once(written: tuple[logging.Logger, io.StringIO, list[float]]) -> None:
    logger, stream, _ = written
    fail(logger, "/a/")
    try:
        raise ValueError("other")
    except ValueError:
        logger.exception("Internal Server Error: %s", "/a/")
    assert stream.getvalue().count("Traceback") == 2


def test_what_is_no_error_is_always_written(written: tuple[logging.Logger, io.StringIO, list[float]]) -> None:
    logger, stream, _ = written
    for _ in range(3):
        logger.info("Round %s opened", 1)
    assert stream.getvalue().count("Round 1 opened") == 3


def test_the_token_of_a_link_is_not_written(written: tuple[logging.Logger, io.StringIO, list[float]]) -> None:
    logger, stream, _ = written
    logger.warning("%s: %s", "Gone", "/join/aVeryLiveToken_123-x/?PROLIFIC_PID=5f1")
    logger.warning("Gone: /join/anotherLiveToken/")
    assert "Token" not in stream.getvalue()
    assert "Gone: /join/…/" in stream.getvalue()


def test_a_log_is_turned_over_while_it_is_written_to(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with open(log, "ab", buffering=0) as writer:
        writer.write(b"x" * 50 + b"\n")
        logs.rotate(tmp_path, most=100)
        assert log.stat().st_size == 51, "not before it is large"
        writer.write(b"y" * 60 + b"\n")
        logs.rotate(tmp_path, most=100)
        writer.write(b"after\n")
    assert log.read_bytes() == b"after\n", "the writer goes on in the same file, from its new end"
    assert (tmp_path / "web.log.1").read_bytes() == b"x" * 50 + b"\n" + b"y" * 60 + b"\n"
