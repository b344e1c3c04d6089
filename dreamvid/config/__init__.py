"""Define, read, check and write settings, presets, keyframes and formulas; no torch, no OpenCV."""
