"""Long runs in several processes."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[4]


@dataclass(frozen=True)
class Sleep:
    number: int
    folder: str

    @property
    def key(self) -> str:
        return f"sleep-{self.number}"

    def work(self) -> dict:
        (Path(self.folder) / f"{os.getpid()}.pid").touch()
        time.sleep(600)
        return {}


def test_workers_end_with_a_benchmark_that_is_killed(tmp_path: Path) -> None:
    code = f"""
from learner.core.bench.runs import finish
from tests.learner.core.bench.test_runs import Sleep
from pathlib import Path
if __name__ == "__main__":
    finish([Sleep(1, {str(tmp_path)!r}), Sleep(2, {str(tmp_path)!r})], Path({str(tmp_path)!r}) / "out", workers=2)
"""
    script = tmp_path / "bench.py"
    script.write_text(code)
    bench = subprocess.Popen([sys.executable, script], env={**os.environ, "PYTHONPATH": str(ROOT)})
    while len(list(tmp_path.glob("*.pid"))) < 2:
        assert bench.poll() is None
        time.sleep(0.1)
    workers = [psutil.Process(int(path.stem)) for path in tmp_path.glob("*.pid")]
    bench.send_signal(signal.SIGKILL)
    bench.wait(60)
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive
