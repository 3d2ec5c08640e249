"""`manage.py fetch_editor`: put the pinned editor and chart files among the static files."""

from pathlib import Path

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from annotation.files import editor_files
from learner.core.bases import wheels


class Command(BaseCommand):
    help = "Fetch Label Studio's editor and the chart library (pinned by hash in annotation/files/editor.lock)."
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        own, site = (Path(apps.get_app_config(name).path) for name in ("annotation", "hub"))
        lock = own / "files/editor.lock"
        version = editor_files.read_lock(lock)["label-studio"].version
        bundles = {
            own / f"static/annotation/lsf/{version}": editor_files.EDITOR,
            site / "static/hub/uplot": editor_files.CHARTS,
        }
        try:
            editor_files.fetch(lock, bundles, lambda pin, into: wheels.download(*pin, into), say=self.stdout.write)
        except (wheels.NotFetched, ValueError) as error:
            raise CommandError(str(error)) from error
