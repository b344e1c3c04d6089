"""Define what every room uses: types, errors, timing, easing and framing; no torch, no OpenCV."""
