"""Nets: where they come from (zoo, checkpoint), what they are (net), how they are made ready to dream (prepare)."""
