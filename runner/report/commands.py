"""The commands that a person may type next: what is printed can be pasted as it is, in the same folder."""

from __future__ import annotations


def tracking_command(*words: str, store: str) -> str:
    """Return a command of `python -m tracking`; it names the store where the program would open another."""
    import tracking

    return tracking.tracking_command(*words, store=store)


def resume_command(command: str) -> str:
    """Return the command of a sweep such that it runs only what is missing."""
    return command if command.endswith(" resume=true") else f"{command} resume=true"
