"""Draw sketches, stroke by stroke, and recognise them."""
