"""Overrides -> configs. The edge to Hydra: what is typed, what Hydra makes of it, and its mistakes in our words."""
