"""Read sources and write films: probing, decoding, still images, audio, encoding, stored frames."""
