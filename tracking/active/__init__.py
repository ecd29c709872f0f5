"""Active runs and the active experiment: what the functions without an id mean. Starting, nesting and ending runs, also
when the program ends before they do."""
