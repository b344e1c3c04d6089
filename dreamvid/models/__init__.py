"""Load neural networks and prepare them for gradients; hold the weights that ship, and pick the device."""
