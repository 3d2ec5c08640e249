"""Readers of the formats of other tools: what a file says, and each thing in it that cannot be used, by its line or place and its field.

Readers take text or bytes from outside and trust nothing in it. They know no campaign: which track and which person is meant, and what
becomes of it, is for `annotation.services.imports` to say. All times are seconds of whatever the file is about.
"""

from annotation.core.formats.reading.faults import BadFile, Fault

__all__ = ["BadFile", "Fault"]
