"""Many Specs -> outcomes: in this process, in workers of our own, or through another joblib backend."""
