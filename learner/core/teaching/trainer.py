"""The steps of an adaptation: a student, at first equal to its parent, learns from patches until the recipe's end."""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from learner.core.separators import Separator
from learner.core.teaching import lora
from learner.core.teaching.child import Selection
from learner.core.teaching.continual import Weights, copy_weights, distance, fisher, freeze_statistics, in_decibels, pull
from learner.core.teaching.material import Material
from learner.core.teaching.progress import Reporter
from learner.core.teaching.ranks import Ranks
from learner.core.teaching.recipe import BadRecipe, Recipe
from learner.core.teaching.replay import Patches
from learner.core.teaching.resume import State

N_EXAMPLES = 32  # replay patches by which the weights' importance is told


class Diverged(RuntimeError):
    """The loss is no longer a number; the rate is too high for these songs."""


class Trainer:
    """Changes the `student` step by step; keeps its weights now and then.

    The `teacher` is the parent, which stays as it is. `base` is the checkpoint that the campaign began with, where it is not the
    parent: it says how the past sounded. Raises BadRecipe where the student has no layer for the recipe's adapters.
    """

    def __init__(
        self,
        student: Separator,
        teacher: Separator,
        base: Separator | None,
        material: Material,
        recipe: Recipe,
        seed: int,
        *,
        reporter: Reporter,
        ranks: Ranks,
    ):
        self.student, self.teacher, self.base = student, teacher, base
        self.material, self.recipe, self.seed = material, recipe, seed
        self.reporter, self.ranks, self.device = reporter, ranks, teacher.device
        self.kept: dict[int, Weights] = {}
        freeze_statistics(student)
        self.parents_weights = copy_weights(teacher)
        self.importance = fisher(student, self._past()) if recipe.ewc else None
        if recipe.lora_rank:
            try:
                lora.attach(student, recipe.lora_rank, torch.Generator().manual_seed(seed))
            except ValueError as problem:
                raise BadRecipe(f"lora_rank is {recipe.lora_rank}: {problem}") from problem
        self.learning = [parameter for parameter in student.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.Adam(lora.groups(student, recipe.lora_times), lr=recipe.rate)

    def train(self, selection: Selection, state: State) -> dict[int, Weights]:
        """Take every step that is left, from where `state` has it; return the weights that were kept, by the step after which they were.

        Where the recipe has patience, the `selection` weighs them on the way. Raises Diverged.
        """
        self._go_on_from(state)
        recipe, reporter = self.recipe, self.reporter
        reporter.start(reporter.step)
        while reporter.step < recipe.steps and not self._no_better(selection):
            reporter.step += 1
            reporter.losses.append(self.learn(reporter.step))
            if reporter.step == recipe.steps or (recipe.keep_every and reporter.step % recipe.keep_every == 0):
                self.kept[reporter.step] = {name: value.cpu() for name, value in lora.merged(self.student).items()}
                self._write_to(state)
            reporter.tell()
        return self.kept

    def _no_better(self, selection: Selection) -> bool:
        """Whether the recipe's patience is at its end: so many points were kept, and none since is better by the candidates' weighing."""
        if not self.recipe.patience or self.reporter.step not in self.kept:
            return False
        enough = False
        if self.ranks.first:
            for step in sorted(self.kept):
                selection.weigh(step, self.kept[step])
            best = selection.best()
            enough = sum(step > (best.step if best else 0) for step in self.kept) >= self.recipe.patience
        return self.ranks.share(enough)

    # ---- one step

    def learn(self, step: int) -> float:
        """One step of descent; returns the loss, its mean over all processes. Raises Diverged."""
        parts = self.material.patches(torch.Generator().manual_seed((self.seed + self.ranks.rank) * 1_000_003 + step))
        n_replayed = len(parts[-1]) if self.recipe.replay_patches else 0
        patches = Patches.join(parts).to(self.device)
        truth, keep = self._targets(patches, n_replayed)
        return self._descend(step, self._loss(patches, truth, keep, n_replayed))

    @torch.no_grad()
    def _targets(self, patches: Patches, n_replayed: int) -> tuple[Tensor, Tensor]:
        """The true magnitudes, and those that are to be kept, (batch, channels, bins, frames); the last `n_replayed` are of the past.

        Magnitudes are to be kept as the parent has them; of the past, as the base has them. They are 0 where they do
        not count. The weights of the past's patches change: the recipe says how far they count in dB.
        """
        recipe = self.recipe
        truth = self.teacher.spectra(patches.truth).abs()
        keep = torch.zeros_like(truth)
        taught = patches.keep_weight.any(dim=1)
        past = torch.arange(len(patches), device=self.device) >= len(patches) - n_replayed
        if recipe.in_decibels:
            taught |= past
        teachers = [(taught, self.teacher)]
        if self.base is not None:  # what the parent forgot of the past is not to be kept
            teachers = [(taught & ~past, self.teacher), (taught & past, self.base)]
        for which, teacher in teachers:
            if bool(which.any()):
                with self._narrow():
                    keep[which] = teacher.spectrum(patches.mixture[which]).abs().to(keep.dtype)
        if n_replayed and recipe.in_decibels:
            worth = in_decibels(keep[-n_replayed:], truth[-n_replayed:], recipe.in_decibels)[:, None]
            patches.truth_weight[-n_replayed:] *= worth
            patches.keep_weight[-n_replayed:] *= worth
        return truth, keep

    def _loss(self, patches: Patches, truth: Tensor, keep: Tensor, n_replayed: int = 0) -> Tensor:
        """How far the student is from truth, from what is to be kept and, where the recipe says so, from the parent's weights; a scalar."""
        recipe = self.recipe
        missing = torch.full((len(patches),), recipe.missing, device=self.device)
        if recipe.missing_past and n_replayed:
            missing[-n_replayed:] = recipe.missing_past
        weight = (patches.truth_weight + patches.keep_weight).sum()
        magnitudes = self.teacher.spectra(patches.mixture).abs()
        scale = magnitudes.mean() * weight.clamp(min=1)
        if recipe.patch_levels:
            levels = magnitudes.mean(dim=(1, 2, 3))
            worth = (levels.mean() / levels.clamp(min=1e-6))[:, None]
            patches = replace(patches, truth_weight=worth * patches.truth_weight, keep_weight=worth * patches.keep_weight)
        with self._narrow():
            estimate = self.student.spectrum(patches.mixture).abs()
        cost = distance(estimate, truth, patches.truth_weight, missing) + distance(estimate, keep, patches.keep_weight, missing)
        loss: Tensor = cost / scale
        if recipe.stored_outputs and patches.stored is not None and patches.stored_weight is not None:
            loss = loss + recipe.stored_outputs * distance(estimate, patches.stored, patches.stored_weight, missing) / scale
        if recipe.l2_sp:
            loss = loss + recipe.l2_sp * pull(lora.learnt(self.student), self.parents_weights)
        if recipe.ewc:
            loss = loss + recipe.ewc * pull(lora.learnt(self.student), self.parents_weights, self.importance)
        return loss

    def _descend(self, step: int, loss: Tensor) -> float:
        """Change the weights by the mean slope over all processes; returns the mean of the loss. Raises Diverged before any change."""
        mean = loss.detach().clone()
        self.ranks.average([mean])
        if not bool(torch.isfinite(mean)):
            raise Diverged(f"the loss is {float(mean)} at step {step}")
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate * group["times"] * _schedule(step, self.recipe.steps)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.ranks.average([parameter.grad for parameter in self.learning if parameter.grad is not None])
        torch.nn.utils.clip_grad_norm_(self.learning, 1.0)
        self.optimiser.step()
        return float(mean)

    def _narrow(self) -> torch.autocast:
        """Inside, the network computes in bfloat16 where the recipe says so."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.recipe.bf16)

    def _past(self) -> Iterator[Tensor]:
        """The parent's loss on replay patches, one at a time."""
        assert self.material.replay is not None
        generator = torch.Generator().manual_seed(self.seed)
        for number in range(N_EXAMPLES):
            self.reporter.tell(f"what matters for the past: {number + 1} of {N_EXAMPLES}")
            patches = self.material.replay.patches(1, generator, remixed=0.0, keep=0.0).to(self.device)
            truth = self.teacher.spectra(patches.truth).abs()
            estimate = self.student.spectrum(patches.mixture).abs()
            missing = torch.full((1,), self.recipe.missing, device=self.device)
            yield distance(estimate, truth, patches.truth_weight, missing) / patches.truth_weight.sum()

    # ---- a killed run

    def _go_on_from(self, state: State) -> None:
        if found := state.read():
            self.reporter.step, self.reporter.losses, self.kept = found["step"], found["losses"], found["kept"]
            self.student.load_state_dict(found["student"])
            self.optimiser.load_state_dict(found["optimiser"])

    def _write_to(self, state: State) -> None:
        state.write(
            {
                "step": self.reporter.step,
                "losses": self.reporter.losses,
                "student": self.student.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "kept": self.kept,
            }
        )


def _schedule(step: int, steps: int) -> float:
    """Warm up over the first tenth, then fall as half a cosine to a tenth."""
    warm = max(1, steps // 10)
    if step <= warm:
        return step / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
