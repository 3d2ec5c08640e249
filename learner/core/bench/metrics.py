"""Time the frame SDR of `learner.core.metrics` beside museval's, on one generated track in one run: `make bench-metrics`.

museval also gives ISR, SIR and SAR, for which it needs its filters; it cannot be asked for SDR alone. Its own SDR does not need
them, and that is the whole difference.
"""

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learner.core import metrics
from learner.core.metrics import Audio

AT_LEAST = 20.0  # times faster than museval


class NoMuseval(ImportError):
    """museval is not installed: pip install 'unbleed[bench]' (in a clone of the source: pip install -e '.[bench]')."""

    def __str__(self) -> str:
        return str(self.__doc__)


def museval_sdr(estimate: Audio, vocals: Audio, mixture: Audio, sample_rate: int) -> NDArray[np.float64]:
    """Return the SDR in dB, (frames,), that museval 0.4.1 gives the vocals in 1 s frames, the accompaniment being the other source.

    All audio is (channels, samples). NaN where museval has none. Raises NoMuseval, and museval's own ValueError for a song in
    which a source is silent throughout.
    """
    references = np.stack([vocals.T, (mixture - vocals).T])
    estimates = np.stack([estimate.T, (mixture - estimate).T])
    sdr, *_ = _bss_eval()(references, estimates, window=sample_rate, hop=sample_rate)  # as museval.evaluate calls it for v4
    return np.asarray(sdr[0], dtype=np.float64)


def _bss_eval() -> Callable[..., Any]:
    """museval's function, from its own module alone: the package around it reads MUSDB18 and does not load without ffmpeg."""
    package = importlib.util.find_spec("museval")
    if package is None or package.origin is None:
        raise NoMuseval
    spec = importlib.util.spec_from_file_location("museval_metrics", Path(package.origin).with_name("metrics.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., Any] = module.bss_eval
    return function


def track(seconds: float, sample_rate: int) -> tuple[Audio, Audio, Audio]:
    """Return estimate, vocals and mixture, each (2, samples) float32: noise, the voice resting every other 8 s."""
    generator = np.random.default_rng(0)
    vocals, accompaniment = generator.normal(0, 0.1, (2, 2, round(seconds * sample_rate))).astype(np.float32)
    vocals[:, (np.arange(vocals.shape[1]) // (8 * sample_rate)) % 2 == 1] = 0
    return 0.9 * vocals + 0.2 * accompaniment, vocals, vocals + accompaniment


def main(arguments: list[str] | None = None) -> int:
    """Print the times, their ratios and the largest difference; 1 where ours is not fast enough or differs, 2 without museval."""
    parser = argparse.ArgumentParser(prog="python -m learner.core.bench.metrics", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0, help="length of the track (default: %(default)g)")
    parser.add_argument("--sample-rate", type=int, default=44100)
    options = parser.parse_args(arguments)
    estimate, vocals, mixture = track(options.seconds, options.sample_rate)
    try:
        theirs, their_time = _timed(lambda: museval_sdr(estimate, vocals, mixture, options.sample_rate), repeat=1)
    except NoMuseval as missing:
        print(missing, file=sys.stderr)
        return 2
    ours, our_time = _timed(lambda: metrics.frame_sdr(estimate, vocals, options.sample_rate), repeat=5)
    _, all_time = _timed(lambda: metrics.evaluate(estimate, vocals, mixture, options.sample_rate), repeat=5)
    defined = ~np.isnan(theirs)
    deviation = float(np.abs(ours - theirs)[defined].max())
    print(f"{options.seconds:g} s, stereo, {options.sample_rate} Hz; {defined.sum()} of {theirs.size} frames defined by museval")
    print(f"museval: SDR, ISR, SIR, SAR  {their_time:8.2f} s")
    print(f"frame_sdr                    {our_time:8.2f} s  {their_time / our_time:6.0f} times faster")
    print(f"evaluate (all figures)       {all_time:8.2f} s  {their_time / all_time:6.0f} times faster (asked: {AT_LEAST:g})")
    print(f"largest difference           {deviation:8.1e} dB (allowed: 0.01)")
    return 0 if their_time >= AT_LEAST * all_time and deviation <= 0.01 else 1


def _timed(work: Callable[[], Any], repeat: int) -> tuple[Any, float]:
    """The result, and the shortest processor time of so many runs, in seconds: what else the machine does counts for neither."""
    times, result = [], None
    for _ in range(repeat):
        begun = time.process_time()
        result = work()
        times.append(time.process_time() - begun)
    return result, min(times)


if __name__ == "__main__":
    sys.exit(main())
