"""Bring the catalogs of translated texts up to date with what pages and scripts say."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from hub.home import ROOT
from hub.languages import catalogs, finding


class Command(BaseCommand):
    help = "write new texts into hub/locale, without a translation yet, and take those out that nothing says any more"

    def handle(self, *args: Any, **options: Any) -> None:
        if not (ROOT / "manage.py").exists():
            raise CommandError("This is for a checkout, whose sources it reads.")
        for domain, wanted in {"django": finding.of_pages(), "djangojs": finding.of_scripts()}.items():
            for language, _ in settings.LANGUAGES[1:]:
                file = catalogs.LOCALE / language / "LC_MESSAGES" / f"{domain}.po"
                text = file.read_text("utf-8")
                known = catalogs.read_po(text)
                head = "".join(line + "\n" for line in text.splitlines() if line.startswith("#"))
                fresh = {key: known.get(key, ["", ""] if key[1] else [""]) for key in wanted | {("", "")}}
                file.write_text(catalogs.write_po(fresh, head), "utf-8")
                for one, many in sorted(wanted):
                    if not all(fresh[one, many]):
                        self.stdout.write(f"{language}: {one!r} has no translation yet")
