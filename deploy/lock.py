"""Make the lock files anew: `make lock`. They name one version of each package, with the hashes of all its files on PyPI.

`requirements.lock` is for who runs the product, `requirements-dev.lock` what the tests and checks need besides. `torch.lock` has
versions without hashes: PyTorch has builds of one version for each kind of machine, from several places, and which one is
installed is a choice of the machine's owner. What a build brings for its graphics card is in no lock; each names it exactly.
"""

import re
import subprocess
import sys
from pathlib import Path

from hub.home import ROOT

RUN, DEV, TORCH = ROOT / "requirements.lock", ROOT / "requirements-dev.lock", ROOT / "torch.lock"
WITH_TORCH = re.compile(r"(torch|torchaudio|triton|nvidia-.+|cuda-.+)==")


def resolved(*extras: str) -> list[str]:
    """What the project and these extras need, on any system and any Python that it allows: `name==version`, where, and hashes."""
    options = ["--universal", "--fork-strategy", "fewest", "--upgrade", "--generate-hashes", "--no-annotate", "--no-header", "--quiet"]
    command = [sys.executable, "-m", "uv", "pip", "compile", str(ROOT / "pyproject.toml"), *options, *extras]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.findall(r"^[a-z0-9].*\n(?:    .*\n)*", said, re.MULTILINE)


def name(block: str) -> str:
    return block.partition("==")[0]


def write(path: Path, what: str, blocks: list[str]) -> None:
    path.write_text(f"# {what} Made by `make lock`; do not edit.\n{''.join(blocks)}")
    print(f"{path.name}: {len(blocks)} packages")


def main() -> None:
    run, everything = {name(block) for block in resolved()}, resolved("--extra", "dev")
    hashed = [block for block in everything if not WITH_TORCH.match(block)]
    write(RUN, "What the product runs on.", [block for block in hashed if name(block) in run])
    write(DEV, "What tests and checks need besides requirements.lock.", [block for block in hashed if name(block) not in run])
    write(TORCH, "Versions only.", [block.split(" ")[0] + "\n" for block in everything if name(block) in ("torch", "torchaudio")])


if __name__ == "__main__":
    main()
