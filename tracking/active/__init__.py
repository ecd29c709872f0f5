"""The runs that are active: starting, nesting and ending them, their state, and how a program shuts down."""
