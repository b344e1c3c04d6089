"""Reproduce the figures of five texts on deep dreams, each claim with a number that tests it."""
