"""Recorded runs, run again: the same result or not, how far off, and what differs first."""
