"""Sources in, films out: facts, frames, stored frames, the final file."""
