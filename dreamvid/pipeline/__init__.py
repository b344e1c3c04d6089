"""Render frames in order: plan, sources, masks, schedule, parameters of each frame, loops."""
