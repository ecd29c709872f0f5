"""The commands that a person may type next: what is printed can be pasted as it is, in the same folder."""

from __future__ import annotations

import shlex


def tracking_command(*words: str, store: str) -> str:
    """Return a command of `python -m tracking`; it names the store where the program would open another."""
    import tracking

    command = ["python", "-m", "tracking", *words]
    if needed := tracking.needed_uri(store):
        command += ["--store", needed]
    return shlex.join(command)


def resume_command(command: str) -> str:
    """Return the command of a sweep such that it runs only what is missing."""
    return command if command.endswith(" resume=true") else f"{command} resume=true"
