"""Mean ranks over many data sets as text: a critical-difference diagram, from top to bottom. Pure."""

from __future__ import annotations

from tracking.compare.ranks import LEVEL, Ranks
from tracking.text.formatting import format_number, plain

MOST = 20  # methods that are shown


def rank_lines(found: Ranks) -> list[str]:
    """Return the diagram; methods that one bar spans are within chance of each other."""
    differ = "they differ" if found.p_value < LEVEL else "none is shown to differ"
    left_out = f"; {found.left_out} lack a score on some and are left out" if found.left_out else ""
    shown = found.methods[:MOST]
    bars = [(first, last) for first, last in found.groups if first < len(shown)]
    lines = [
        f"mean ranks of {found.metric} over {found.data} data sets: {differ}"
        f" (Friedman, p = {format_number(found.p_value, digits=2)}){left_out}",
        *(
            f"{rank:6.2f}  {''.join('│ ' if first <= place <= last else '  ' for first, last in bars)}{plain(method)}"
            for place, (rank, method) in enumerate(zip(found.ranks, shown, strict=False))
        ),
    ]
    if len(found.methods) > len(shown):
        lines.append(f"        and {len(found.methods) - len(shown)} more")
    lines.append(
        f"Within one bar the ranks are closer than {format_number(found.critical, digits=3)}, the critical difference"
        f" at {LEVEL} (Nemenyi)."
    )
    return lines
