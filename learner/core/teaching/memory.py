"""Replay memories under a byte budget: a few patches of the past that go along from one adaptation to the next.

Which patches stay is decided as songs go by: a **reservoir** keeps each with the same chance (Vitter 1985, algorithm R,
doi 10.1145/3147.3165); **herding** keeps those whose mean is nearest to the mean of all that went by (iCaRL: Rebuffi et al. 2017,
algorithm 4, arXiv 1611.07725); **diverse** keeps those farthest from each other (Gonzalez 1985, doi 10.1016/0304-3975(85)90224-5).
Beside each patch lies what the model made of it when it was stored, to hold later models to it (dark experience replay, DER++:
Buzzega et al. 2020, arXiv 2004.07211).
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from learner.core import checkpoint
from learner.core.separators import Separator
from learner.core.songs.streaming import AnySong
from learner.core.teaching.replay import NoReplay, Patches, Replay, Stems, fit

Kind = Literal["reservoir", "herding", "diverse"]

ENTRY = "unbleed memory"
HEADER = 2048  # bytes set aside for what a file says of itself
NAME = 8  # bytes by which a song that went by is known again
BANDS = 16  # of the features


class BadMemory(ValueError):
    """This replay memory cannot be used."""


@dataclass(frozen=True)
class StoredPatch:
    """One patch as it is stored; voice and accompaniment times `scale` are samples."""

    vocals: Tensor  # int16 (channels, samples)
    accompaniment: Tensor  # int16 (channels, samples)
    scale: float
    output: Tensor | None  # float16 (channels, bins, frames): magnitudes of the voice as the model had it; None until it is asked

    @classmethod
    def of(cls, vocals: Tensor, accompaniment: Tensor) -> "StoredPatch":
        peak = max(float(vocals.abs().max()), float(accompaniment.abs().max()), 1e-9)
        scale = float(torch.tensor(peak / 32767, dtype=torch.float32))
        voice, rest = ((stem / scale).round().clamp(-32767, 32767).short() for stem in (vocals, accompaniment))
        return cls(voice, rest, scale, None)

    @property
    def samples(self) -> tuple[Tensor, Tensor]:
        """Voice and accompaniment, (channels, samples)."""
        return self.vocals * self.scale, self.accompaniment * self.scale


class _Unpacked(Sequence[Stems]):
    """The stems of stored patches, as floats only while they are used."""

    def __init__(self, kept: Sequence[StoredPatch]):
        self.kept = kept

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, number: Any) -> Any:
        return Stems(*self.kept[number].samples)


class Memory(Replay):
    """Keeps patches of songs in a file of at most `budget` bytes, and draws from them as `Replay` does from songs.

    A patch is as long as those that are drawn, so a voice that is played higher ends early. Raises BadMemory for a kind that there is
    not, or where not one patch fits.
    """

    def __init__(self, kind: str, budget: int, *, separator: Separator, n_samples: int, n_frames: int, pitch_shift: float = 0.0):
        if kind not in get_args(Kind):
            raise BadMemory(f"memory is {kind!r}; allowed are {', '.join(get_args(Kind))}")
        self.kind, self.budget = kind, budget
        self.sample_rate, self.channels = separator.sample_rate, separator.channels
        self.n_samples, self.n_frames, self.pitch_shift, self.grid = n_samples, n_frames, pitch_shift, separator.grid
        self.patch_bytes = self.channels * (2 * 2 * n_samples + 2 * (separator.spectra.n_fft // 2 + 1) * n_frames) + 4
        self.kept: list[StoredPatch] = []
        self.known: list[bytes] = []  # songs that went by
        self.n_seen = 0  # patches that went by
        self.feature_sum = torch.zeros(4 * BANDS, dtype=torch.float64)
        self.songs = _Unpacked(self.kept)
        if self.capacity < 1:
            raise BadMemory(f"the memory's budget is {budget} bytes; one patch takes {HEADER + NAME + self.patch_bytes}")

    @property
    def capacity(self) -> int:
        """How many patches fit into the budget beside all else that the file holds."""
        spare = self.budget - HEADER - NAME * max(1, len(self.known)) - 8 * len(self.feature_sum)
        return max(0, spare // self.patch_bytes)

    # ---- taking in

    def offer(
        self, songs: Sequence[AnySong], separator: Separator, generator: torch.Generator, alive: Callable[[str], None] = lambda _: None
    ) -> None:
        """Let songs with both stems go by, and ask the separator about the patches that stay. A song that went by before is passed over.

        `alive` is called for each song. Raises NoReplay where the memory is empty in the end.
        """
        for song in songs:
            if song.vocals is None or song.accompaniment is None:
                continue
            alive(f"looking for what to remember in {song.name}")
            name = hashlib.sha256(song.vocals.tobytes() + song.accompaniment.tobytes()).digest()[:NAME]
            if name not in self.known:
                self.known.append(name)
                self.store([StoredPatch.of(*patch) for patch in self._patches_of(Stems.of(song, separator))], generator)
        if not self.kept:
            raise NoReplay
        for number, one in enumerate(self.kept):
            if one.output is None:
                alive("remembering what the model makes of it")
                self.kept[number] = replace(one, output=_output(separator, one))

    def _patches_of(self, song: Stems) -> Iterator[tuple[Tensor, Tensor]]:
        """One after another; a rest shorter than half a patch is left out, unless there is nothing else."""
        n = song.vocals.shape[-1]
        step = -(-self.n_samples // self.grid) * self.grid
        for start in range(0, max(1, n - self.n_samples // 2 + 1), step):
            vocals, accompaniment = (fit(s[..., start : start + self.n_samples], self.n_samples) for s in (song.vocals, song.accompaniment))
            yield vocals, accompaniment

    def store(self, new: Sequence[StoredPatch], generator: torch.Generator) -> None:
        """Let patches go by, and store of them and of those stored before what the kind chooses, as many as there is room for."""
        if self.kind == "reservoir":
            self._shrink(generator)
            for one in new:
                self.n_seen += 1
                if len(self.kept) < min(self.capacity, self.n_seen):
                    self.kept.append(one)
                elif (place := int(torch.randint(self.n_seen, (), generator=generator))) < len(self.kept):
                    self.kept[place] = one
            return
        features = [features_of(*one.samples) for one in new]
        self.n_seen += len(new)
        self.feature_sum += torch.stack(features).double().sum(dim=0)
        candidates = [*self.kept, *new]
        described = torch.stack([*(features_of(*one.samples) for one in self.kept), *features])
        mean = (self.feature_sum / self.n_seen).float()
        chosen = herd(described, mean, self.capacity) if self.kind == "herding" else spread(described, mean, self.capacity)
        self.kept[:] = [candidates[number] for number in chosen]

    def _shrink(self, generator: torch.Generator) -> None:
        """Drop what no longer fits: any of a reservoir, the least of the others, which stand in order."""
        while len(self.kept) > self.capacity:
            self.kept.pop(int(torch.randint(len(self.kept), (), generator=generator)) if self.kind == "reservoir" else -1)

    # ---- giving out

    def patches(self, n: int, generator: torch.Generator, *, remixed: float, keep: float) -> Patches:
        """As `Replay.patches`; patches that are not remixed bring the output that was stored with them, with weight 1."""
        patches, sources = self._draw(n, generator, remixed=remixed, keep=keep)
        outputs = [None if source is None else self.kept[source].output for source in sources]
        like = self.kept[0].output
        assert like is not None
        stored = torch.stack([torch.zeros(like.shape) if output is None else output.float() for output in outputs])
        weight = torch.tensor([float(output is not None) for output in outputs])
        return replace(patches, stored=stored, stored_weight=weight[:, None].expand(n, self.n_frames).contiguous())

    # ---- keeping

    def to_bytes(self) -> bytes:
        """The memory as a safetensors file, at most `budget` bytes; the same memory gives the same bytes."""
        tensors = {
            "vocals": torch.stack([one.vocals for one in self.kept]),
            "accompaniment": torch.stack([one.accompaniment for one in self.kept]),
            "scale": torch.tensor([one.scale for one in self.kept], dtype=torch.float32),
            "output": torch.stack([one.output for one in self.kept if one.output is not None]),
            "feature_sum": self.feature_sum,
            "songs": torch.tensor([list(name) for name in self.known], dtype=torch.uint8),
        }
        return to_bytes(tensors, metadata={ENTRY: json.dumps(self._about() | {"n_seen": self.n_seen}, sort_keys=True)})

    def save(self, path: Path) -> None:
        checkpoint.write_whole(path, self.to_bytes())

    def resume(self, path: Path, generator: torch.Generator) -> None:
        """Take up what is in a file, as far as this budget goes. Raises BadMemory unless it was kept by the same kind and lengths."""
        try:
            content = path.read_bytes()
            tensors = from_bytes(content)
            about = json.loads(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"][ENTRY])
            n_seen = int(about.pop("n_seen"))
            stored = [tensors[name] for name in ("vocals", "accompaniment", "scale", "output")]
            feature_sum, known = tensors["feature_sum"], tensors["songs"]
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise BadMemory(f"{path.name}: not a replay memory ({problem})") from problem
        if about != self._about():
            different = ", ".join(
                f"{name} {about.get(name)!r}, not {value!r}" for name, value in self._about().items() if about.get(name) != value
            )
            raise BadMemory(f"{path.name}: it was kept with {different}")
        self.n_seen, self.feature_sum = n_seen, feature_sum
        self.known = [bytes(name.tolist()) for name in known]
        self.kept[:] = [StoredPatch(v, a, float(s), o) for v, a, s, o in zip(*stored, strict=True)]
        self._shrink(generator)

    def _about(self) -> dict[str, Any]:
        names = ("kind", "sample_rate", "channels", "n_samples", "n_frames")
        return {name: getattr(self, name) for name in names}


@torch.no_grad()
def _output(separator: Separator, kept: StoredPatch) -> Tensor:
    device = next(separator.parameters()).device
    mixture = torch.stack(kept.samples).sum(dim=0)
    return separator.spectrum(mixture[None].to(device)).abs()[0].cpu().half()


def features_of(vocals: Tensor, accompaniment: Tensor) -> Tensor:
    """Describe a patch apart from any model, so that a memory can go on over checkpoints: (64,).

    Voice and accompaniment, each: mean and deviation over time of the energy in 16 bands, as powers of ten.
    """
    found = []
    for stem in (vocals, accompaniment):
        spectrum = torch.stft(stem, 1024, 1024, window=torch.hann_window(1024), return_complex=True, pad_mode="constant")
        power = spectrum.abs().square().mean(dim=0)[1:]
        # Equal steps on a logarithmic axis, from the second bin on; the lowest bands share their bins.
        edges = torch.logspace(0, 9, BANDS + 1, base=2).round().int().tolist()
        bands = torch.stack([power[low : max(high, low + 1)].mean(dim=0) for low, high in pairwise(edges)])
        level = torch.log10(bands + 1e-4)
        found += [level.mean(dim=1), level.std(dim=1, correction=0)]
    return torch.cat(found)


def herd(features: Tensor, mean: Tensor, n: int) -> list[int]:
    """Choose `n` rows one after another, so that the chosen ones' mean stays as near to `mean` as it can: best first.

    `features` is (rows, features); with `n` rows or fewer all are chosen.
    """
    chosen: list[int] = []
    total = torch.zeros_like(mean)
    free = torch.ones(len(features), dtype=torch.bool)
    for k in range(1, min(n, len(features)) + 1):
        gap = (mean - (total + features) / k).square().sum(dim=1)
        best = int(gap.where(free, torch.inf).argmin())
        chosen.append(best)
        free[best] = False
        total = total + features[best]
    return chosen


def spread(features: Tensor, mean: Tensor, n: int) -> list[int]:
    """Choose `n` rows: the one nearest to `mean`, then again and again the one farthest from all that are chosen."""
    chosen = [int((features - mean).square().sum(dim=1).argmin())]
    nearest = torch.full((len(features),), torch.inf)
    for _ in range(min(n, len(features)) - 1):
        nearest = torch.minimum(nearest, (features - features[chosen[-1]]).square().sum(dim=1))
        nearest[chosen[-1]] = -1.0  # never again, not even where all others are its equals
        chosen.append(int(nearest.argmax()))
    return chosen
