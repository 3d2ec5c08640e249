"""Marks in the formats of other tools: plain rows, functions that write them as text, and functions that read them.

`rows` holds what every format says in its own way; each format is a file of its name. All times are seconds of the track.
Writers return text; nothing here knows a database, a file or a campaign.
"""

from annotation.core.formats.rows import CONSENSUS, Answer, Span

__all__ = ["CONSENSUS", "Answer", "Span"]
