"""The command line, `python -m learner.core COMMAND`: songs, checkpoints and benchmarks, on folders, without the web.

PyTorch is imported by the commands that compute, so that the others and --help answer at once.
"""

from learner.core.cli.parser import main

__all__ = ["main"]
