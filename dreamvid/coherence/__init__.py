"""Carry a dream from frame to frame: optical flow, cuts, warping, and the energy that is held."""
