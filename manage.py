#!/usr/bin/env python
"""Unbleed's command line in a checkout: puts platform/ on the path and runs Django."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "platform"))

from hub.command_line import main

if __name__ == "__main__":
    main()
