"""Fixtures of the training tests, since experiments train nets."""

from ..training.conftest import clock, one_thread, sheets

__all__ = ["clock", "one_thread", "sheets"]
