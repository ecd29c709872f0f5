"""`python -m tracking`: the verbs, and what they share."""
