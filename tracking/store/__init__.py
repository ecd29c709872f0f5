"""The store in one SQLite file. The only room that contains SQL."""
