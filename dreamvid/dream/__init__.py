"""Dream one picture: objectives, octaves, tiles, step rules, and the session that holds them ready."""
