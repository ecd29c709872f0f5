"""The answers as text, JSON and HTML: diff, run, table. Pure: what is shown was read before."""
