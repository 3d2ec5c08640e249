"""The command line: `python -m learner.core songs|generate|train|import|fetch|separate|adapt|evaluate|bench`, on folders, without the web.

PyTorch is imported by the commands that compute, so that the others and --help answer at once.
"""

from learner.core.cli.parser import main

__all__ = ["main"]
