"""Datasets: where they come from, what is checked before a sweep starts, and how workers share them."""
