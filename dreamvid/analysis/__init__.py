"""Measure and show results: comparison and stability of films, plots, contact sheets."""
