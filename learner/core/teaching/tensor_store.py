"""Tensors that a run needs again: in memory while there is room, then in a file that is gone when the run ends, however it ends."""

import math
import tempfile
from contextlib import suppress
from io import BufferedRandom
from pathlib import Path
from types import EllipsisType, TracebackType

import torch
from torch import Tensor

from learner.core.files.disk_space import naming
from learner.core.teaching.allocator import trim

TRIM_AFTER = 32_000_000  # bytes; to trim takes some milliseconds


class OnDisk:
    """A tensor in a file, cut like the tensor itself along its last dimension: `[..., start:end]` reads that stretch.

    What is read lies in memory in the order of the tensor that was written: sums over it come out the same to the last bit.
    """

    def __init__(self, store: "TensorStore", file: BufferedRandom, tensor: Tensor):
        self.store, self.file, self.shape, self.dtype = store, file, tensor.shape, tensor.dtype
        self.order = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
        self.at = file.seek(0, 2)
        with naming(Path(store.folder or tempfile.gettempdir())):
            file.write(_bytes(tensor.permute(self.order).contiguous()))
            file.flush()  # a full disk is told here, where the run can say so
        store.moved(tensor.numel() * tensor.element_size())

    def __getitem__(self, cut: tuple[EllipsisType, slice]) -> Tensor:
        start, end, _ = cut[1].indices(self.shape[-1])
        n_last, n_cut = self.shape[-1], max(0, end - start)
        if n_cut == n_last or self.order != sorted(self.order):
            whole = self._read(0, torch.Size(self.shape[dim] for dim in self.order))
            return whole.permute([self.order.index(dim) for dim in range(len(self.order))])[..., start:end]
        rows = [self._read(start + at, torch.Size([n_cut])) for at in range(0, self.shape.numel(), n_last)]
        return torch.stack(rows).view(*self.shape[:-1], n_cut)

    def _read(self, first: int, shape: torch.Size) -> Tensor:
        """Numbers of the file from the tensor's `first` on."""
        found = torch.empty(shape, dtype=self.dtype)
        if found.numel():
            self.file.seek(self.at + first * found.element_size())
            self.file.readinto(_bytes(found))
            self.store.moved(found.numel() * found.element_size())
        return found


class TensorStore:
    """Holds tensors of at most `room` bytes in memory; what comes after that lies in a nameless file in `folder`, until it is closed."""

    def __init__(self, room: float = math.inf, folder: Path | None = None):
        self.room, self.folder = room, folder
        self.file: BufferedRandom | None = None
        self.n_moved = 0  # bytes since the allocator was asked last

    def put(self, tensor: Tensor) -> Tensor | OnDisk:
        """Return the tensor itself, or what reads it from disk; either is cut by `[..., start:end]`."""
        n_bytes = tensor.numel() * tensor.element_size()
        if n_bytes <= self.room:
            self.room -= n_bytes
            return tensor
        if self.file is None:
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
            self.file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 - as long as the store
        return OnDisk(self, self.file, tensor)

    def moved(self, n_bytes: int) -> None:
        """Count what goes to disk and comes from there. The small things that a run keeps of each song come to lie in the holes
        that freed spectra leave, which then are of no use for the next: without trimming, 300 songs cost 400 MB.
        """
        self.n_moved += n_bytes
        if self.n_moved > TRIM_AFTER:
            trim()
            self.n_moved = 0

    def __enter__(self) -> "TensorStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.file is not None:
            with suppress(OSError):  # where it found no room, it would say so once more
                self.file.close()


def _bytes(tensor: Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU, of one dimension or more."""
    return tensor.view(torch.uint8).numpy().data.cast("B")
