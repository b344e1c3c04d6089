"""Train small nets for one question each: textures as classes, invariance."""
