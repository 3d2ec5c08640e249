"""`{{ campaign|told:campaign.instructions }}`: a text of a campaign as HTML."""

from django import template

from annotation.pages.told import told

register = template.Library()
register.filter("told", told)
