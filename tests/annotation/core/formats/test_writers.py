"""What is written for other tools: the same seconds, the same labels, nothing that breaks a line."""

from annotation.core.formats import Span
from annotation.core.formats.audacity import audacity_labels


def test_audacity_gets_one_line_a_label_in_order_of_time() -> None:
    spans = [Span(2.5, 3.0, "False positive vocals", tag="strings"), Span(0.123456789, 1.0, "a\tb\nc")]
    assert audacity_labels(spans) == "0.123457\t1.000000\ta b c\n2.500000\t3.000000\tFalse positive vocals: strings\n"
