"""Several processes that learn together, each on a GPU of its own or on a share of the CPU, as torchrun starts them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed

T = TypeVar("T")

WAIT = timedelta(hours=2)  # others wait for the first rank while it weighs candidates


class NoDevice(ValueError):
    """There is no such device on this machine."""


def device_of(name: str) -> torch.device:
    """`cpu`, `cuda` (torchrun's processes get one each) or `auto`, which is cuda where there is one. Raises NoDevice."""
    if name not in ("cpu", "cuda", "auto"):
        raise NoDevice(f"device is {name!r}; allowed are cpu, cuda, auto")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    number = int(os.environ.get("LOCAL_RANK", "0"))
    if number >= torch.cuda.device_count():
        raise NoDevice(
            f"device is {name!r}, but PyTorch finds {torch.cuda.device_count()} GPUs here, and this process needs number {number}"
        )
    return torch.device("cuda", number)


@contextmanager
def together(device: str) -> Iterator[None]:
    """Join the other processes where torchrun started this one as one of several; alone, do nothing."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield
        return
    place = device_of(device)
    if place.type == "cuda":
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo", timeout=WAIT)
    try:
        yield
        distributed.barrier()  # who leaves while another still talks to them has been seen to abort
    finally:
        distributed.destroy_process_group()


@dataclass(frozen=True)
class Ranks:
    """This process among those that learn together."""

    rank: int = 0
    world: int = 1

    @classmethod
    def current(cls) -> "Ranks":
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def first(self) -> bool:
        """The first alone writes files and tells how far it is."""
        return self.rank == 0

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Put into each tensor its mean over all processes; every process calls this with tensors of the same shapes."""
        if self.world == 1 or not tensors:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.world
        for tensor, mean in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def share(self, value: T) -> T:
        """Return what the first process has; what the others give is not looked at."""
        if self.world == 1:
            return value
        held = [value]
        distributed.broadcast_object_list(held)
        return held[0]
