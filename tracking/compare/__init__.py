"""Many runs at once: tables, groups, fronts, and what each key does to a metric. Pure."""
