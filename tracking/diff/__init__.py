"""What differs between runs: config, metrics, data, code, environment; as data, as words, as a page."""
