"""The record format, both directions: the names of tags and files, their values, and reading them back."""
