"""The base of a new campaign, chosen with its rules; or later, once bases can be tried on its songs."""

from __future__ import annotations

from typing import Any

from django import forms

from annotation.models import Campaign, Membership
from annotation.selectors.queue import managed_by
from learner import bases, services
from learner.core.bases import ABOUT_SHIPPED, BASES, NAMES, SHIPPED, is_here, lacks
from learner.selectors.kept_bases import KeptBase, kept_bases

LATER = ""


class FirstBase(forms.Form):
    """One of the bases by name, or one that is kept here, by its hash."""

    base = forms.ChoiceField(required=False, widget=forms.RadioSelect, label="The base that the campaign begins with")

    def __init__(self, data: Any, *, by: Any) -> None:
        super().__init__(data)
        self.kept = {one.checkpoint.hash: one for one in kept_bases(managed_by(by))}
        field = self.fields["base"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (LATER, "Later: when its songs are there, bases are tried on them, and the campaign's page says which one suits."),
            *((name, _about(name)) for name in NAMES if not lacks(name)),
            *((key, _about_kept(one)) for key, one in self.kept.items()),
        ]

    def suits(self, stem: str) -> bool:
        """Whether the choice can be taken by a campaign that listens to this stem; the form says why not."""
        if self.is_valid() and (name := self.cleaned_data["base"]) != LATER:
            extracts = (self.kept[name].checkpoint.stem,) if name in self.kept else bases.stems_of(name)
            if stem not in extracts:
                called = self.kept[name].name if name in self.kept else name
                they = " or ".join(extracts)
                self.add_error("base", f"{called} extracts {they}; this campaign listens to {stem}. Choose another base, or later.")
        return not self.errors

    def begin(self, campaign: Campaign, who: Membership | None) -> None:
        """Have the chosen base brought to the campaign that was just made."""
        name = self.cleaned_data["base"]
        if name in self.kept:
            services.choose_kept_base(campaign=campaign, checkpoint=self.kept[name].checkpoint, who=who)
        elif name != LATER:
            services.choose_base(campaign=campaign, name=name, who=who)


def _about(name: str) -> str:
    about, licence = (BASES[name].about, f" Licence {BASES[name].licence}.") if name in BASES else (ABOUT_SHIPPED, "")
    brought = "It is here." if name == SHIPPED or is_here(name, bases.folder()) else f"{BASES[name].size} MB to fetch."
    return f"{name} (extracts {' or '.join(bases.stems_of(name))}): {about}. {brought}{licence}"


def _about_kept(one: KeptBase) -> str:
    whose = f"used by the campaign {one.campaign.name}" if one.campaign else "uploaded to this site"
    licence = f" Licence {one.licence}." if one.licence else ""
    return f"{one.name} (extracts {one.checkpoint.stem}): {whose}.{licence}"
