"""A local page on which a look is found and rendered."""
