"""`manage.py push CHECKPOINT REPO`: a checkpoint with its card, on Hugging Face's hub."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from annotation.files import storage
from annotation.models import Campaign
from hub import hugging_face
from hub.pages import words
from learner import selectors
from learner.management.campaigns import campaign_named
from learner.models import Checkpoint, FileRemoved
from learner.selectors.card import card


class Command(BaseCommand):
    help = "Put a checkpoint with its card on Hugging Face's hub (pip install 'unbleed[hub]'; HF_TOKEN says whose account)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("checkpoint", help="its hash, or how it begins")
        parser.add_argument("repo", metavar="NAME/MODEL", help="where to; made where it is not there")
        parser.add_argument("--campaign", metavar="SLUG", help="whose card it gets, where several campaigns have this checkpoint")
        parser.add_argument("--public", action="store_true", help="make a new repository public; otherwise only its owners see it")

    def handle(self, *args: Any, checkpoint: str, repo: str, campaign: str | None, public: bool, **options: Any) -> None:
        found = self.found(checkpoint)
        of = campaign_named(campaign) if campaign else self.campaign_of(found)
        if found.withdrawn:
            raise CommandError(f"It is not given away. {found.learned_from_withdrawn}")
        made, figures = selectors.made_by(of, found), selectors.figures(of)
        text = card(of, found, made, figures, words.metrics(of.wording))
        try:
            url = hugging_face.push(
                file=storage.local(found.stored),
                called=f"{of.slug}-{found.short}.safetensors",
                card=text,
                repo=repo,
                private=not public,
                message=f"Checkpoint {found.short} of {of.name}",
            )
        except (hugging_face.NotPushed, FileRemoved) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"Checkpoint {found.short} with its card: {url}")

    def found(self, begins: str) -> Checkpoint:
        found = list(Checkpoint.objects.filter(hash__startswith=begins.lower()).order_by("pk")[:2])
        if len(found) != 1:
            raise CommandError(
                f"{'No checkpoint has' if not found else 'More than one checkpoint has'} a hash that begins with {begins!r}."
            )
        return found[0]

    def campaign_of(self, checkpoint: Checkpoint) -> Campaign:
        """The one campaign that made or uses it."""
        made = Q(adaptations__child=checkpoint) | Q(adaptations__replay_only=checkpoint)
        uses = Q(shared_model__current=checkpoint) | Q(rounds__parent=checkpoint)
        by_name = Campaign.objects.order_by("slug").distinct()
        found = list(by_name.filter(made)) or list(by_name.filter(uses))
        if len(found) != 1:
            names = ", ".join(one.slug for one in found) or "none"
            raise CommandError(f"Say whose card it gets by --campaign SLUG: {names} of the campaigns here has it.")
        return found[0]
