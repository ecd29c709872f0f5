"""Which points are sound, and which are new, done, failed or stale; resume; preview."""
