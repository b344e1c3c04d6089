"""Sketches: strokes in the order they are drawn (strokes, pen), kinds of things (kinds), hands that draw (hand)."""
