"""Bases that people bring themselves: files that site admins upload, and checkpoints that are kept here already."""
