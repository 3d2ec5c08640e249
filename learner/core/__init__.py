"""Separation, adaptation and their measures: a library and a command line that know nothing of the web."""
