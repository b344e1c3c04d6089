"""Move a camera over stills: its path, the backdrop it sees, and canvases painted once for all frames."""
