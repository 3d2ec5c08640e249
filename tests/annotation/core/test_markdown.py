"""What labs write becomes HTML in which nothing runs."""

import re

import pytest

from annotation.core.markdown import html, sounds_in

SOUNDS = {"breath": "/media/told/1.ogg"}


def test_plain_text_keeps_its_lines_and_paragraphs() -> None:
    assert html("One\ntwo\n\n    three < 4 & more", {}) == "<p>One<br />\ntwo</p>\n<p>three &lt; 4 &amp; more</p>\n"


def test_what_a_text_can_do() -> None:
    made = html("# Mark\n**all** of *it*:\n- a\n- b\n\n[more](https://example.org/?a=1&b=2)", {})
    assert made.startswith("<h2>Mark</h2>") and "<strong>all</strong> of <em>it</em>" in made and made.count("<li>") == 2
    assert '<a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">more</a>' in made


def test_a_sound_is_a_player_and_one_that_is_not_there_is_named() -> None:
    made = html("![a *breath*](sound:breath) ![b](sound:none)", SOUNDS)
    assert '<audio controls preload="none" aria-label="a breath" src="/media/told/1.ogg"></audio>' in made
    assert "<code>sound:none</code>" in made and made.count("<audio") == 1
    assert sounds_in("![a](sound:breath) ![b]( sound:two ) ![a](sound:breath)") == ["breath", "two"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<svg/onload=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](\\x01javascript:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](vbscript:x)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](//evil.example/)",
        "[x](/sign-out/)",
        "<javascript:alert(1)>",
        "![x](javascript:alert(1))",
        "![x](https://evil.example/pixel.png)",
        "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
        '![" onerror="alert(1)](sound:breath "t\\" onload=x")',
        '[x](https://example.org "\\" onmouseover=alert(1)")',
        '[x](https://example.org/"onmouseover=alert(1))',
        "[x]: javascript:alert(1)\n[x]",
        '```" onload=alert(1)\n<script>\n```',
        "<!-- --><script>alert(1)</script>",
    ],
)
def test_nothing_in_it_runs_or_is_loaded_from_elsewhere(text: str) -> None:
    made = html(text, SOUNDS)
    tags = re.findall(r"<[^>]*>", made)
    names = {re.match(r"</?([a-z0-9]+)", tag).group(1) for tag in tags}  # type: ignore[union-attr]
    assert names <= {"p", "a", "br", "code", "pre", "span", "audio"}, made
    for tag in tags:
        attributes = re.findall(r'([\w-]+)="([^"]*)"', tag)
        assert {name for name, _ in attributes} <= {"href", "target", "rel", "class", "aria-label", "preload", "src"}, made
        assert all(value.startswith("https://example.org") for name, value in attributes if name == "href"), made
        assert all(value == "/media/told/1.ogg" for name, value in attributes if name == "src"), made


def test_a_text_that_nests_deeply_ends() -> None:
    assert len(html("> " * 5_000 + "x", {})) < 100_000
