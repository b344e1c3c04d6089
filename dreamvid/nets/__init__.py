"""Nets: where they come from (zoo, checkpoint), what they are (net, catalogue), how they are made ready (prepare)."""
