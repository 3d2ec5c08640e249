"""One clip at hand: what one person's marks in it change, within seconds, for them to hear.

Low-rank adapters (see `lora`) learn silence on the marks, and the parent's own output where the clip was heard and not marked: the
whole clip at each step, cut as people heard it. Nothing is replayed and nothing is judged, so the child knows this clip by heart and
is good for nothing else: it is thrown away.
"""

from collections.abc import Callable
from math import ceil

import torch
from torch import Tensor

from learner.core.audio import Samples
from learner.core.separate import as_input, separate
from learner.core.separators import Separator
from learner.core.teaching import lora
from learner.core.teaching.continual import distance, freeze_statistics
from learner.core.teaching.feedback import MarkedSong, NoMarks, PreparedSong, prepare
from learner.core.teaching.replay import fit

STEPS = 60
RANK = 5
RATE = 3e-4  # of Adam, for the few weights that learn themselves
TIMES = 10.0  # of adapters
MISSING = 2.0  # what is missing from the accepted output counts so many times what is too much
MARGIN = 0.1  # seconds taken off both ends of a mark, which people set late


def fit_clip(separator: Separator, clip: MarkedSong, *, seed: int = 0, go_on: Callable[[], bool] = lambda: True) -> Samples | None:
    """Fit `separator`, which is changed, to a clip by its marks; return what it makes of the clip then, as `separate` does.

    None where `go_on`, which is asked before each step, says no: on the way to silence on the marks a child loses the voice first, and
    has it back only at the end. Raises BadMark, NoMarks, and ValueError where no layer is large enough for adapters.
    """
    known = prepare(clip, separator, margin=MARGIN)
    if not bool(known.marked.any()):
        raise NoMarks
    mixture, marked, accepted = _as_heard(separator, clip, known)
    with torch.no_grad():
        kept = separator.spectrum(mixture).abs()
    silence = torch.zeros_like(kept)
    once, twice = (torch.full((len(mixture),), times, device=mixture.device) for times in (1.0, MISSING))
    # Each part counts relative to what it would cost to leave, or to mute, all of it: however few the marks are.
    on_marks, elsewhere = (distance(kept, silence, weights, once).clamp(min=1e-9) for weights in (marked, accepted))
    freeze_statistics(separator)
    lora.attach(separator, RANK, torch.Generator().manual_seed(seed))
    groups = [group | {"lr": RATE * group["times"]} for group in lora.groups(separator, TIMES)]
    optimiser = torch.optim.Adam(groups, lr=RATE)
    for _ in range(STEPS):
        if not go_on():
            return None
        estimate = separator.spectrum(mixture).abs()
        loss = distance(estimate, silence, marked, once) / on_marks + distance(estimate, kept, accepted, twice) / elsewhere
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return separate(separator, clip.mixture, clip.sample_rate)


def _as_heard(separator: Separator, clip: MarkedSong, known: PreparedSong) -> tuple[Tensor, Tensor, Tensor]:
    """The clip as the network meets it in `separate`, (batch, channels, samples), and of each frame the weights of marks and of what was
    accepted, (batch, frames).

    It goes through as a whole, or, where that is more than the network takes at once, in parts of one length.
    """
    hop, n_frames = separator.spectra.hop, len(known.marked)
    takes_all = separator.cut.n_fade == 0 or clip.mixture.shape[1] <= separator.piece * clip.sample_rate
    n_parts = 1 if takes_all else ceil(n_frames * hop / separator.sample_rate / separator.piece)
    n_each = ceil(n_frames / n_parts)
    n_samples = (n_each - 1) * hop
    # A network of one channel hears each channel by itself.
    alone = [clip.mixture[at : at + 1] for at in range(len(clip.mixture))] if separator.channels == 1 else [clip.mixture]
    whole = torch.stack([as_input(separator, part, clip.sample_rate) for part in alone])
    firsts = range(0, n_frames, n_each)
    mixture = torch.cat([fit(whole[..., first * hop : first * hop + n_samples], n_samples) for first in firsts])
    weights = (
        torch.cat([fit(of_each[first : first + n_each], n_each).expand(len(whole), -1) for first in firsts])
        for of_each in (known.marked, known.accepted)
    )
    marked, accepted = (one.to(separator.device) for one in weights)
    return mixture.to(separator.device), marked, accepted
