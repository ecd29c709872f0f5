"""Plain data to HTML pages with Jinja2: everything escaped, values shown as in the terminal.

The templates and what they need in a browser lie beside this module, in `templates/` and `assets/`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tracking.text.formatting import exact, format_value, is_numeric

ASSETS = Path(__file__).parent / "assets"
TEMPLATES = Path(__file__).parent / "templates"
_LONGEST = 2000
LIBRARIES = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js")


def render_page(template: str, **content: object) -> str:
    """Return a page. Raises jinja2's errors where the template lacks something it names."""
    return environment().get_template(template).render(**content)


@cache
def environment() -> Environment:
    """Return what templates are rendered with; a server may add its own templates to the loader."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"shown": shown, "numeric": numeric, "json_text": json_text}
    return made


def shown(value: object) -> str:
    """Return a value as a person reads it; text as it is, also over several lines, but not for ever."""
    text = value if type(value) is str else format_value(value)
    more = len(text) - _LONGEST
    return text if more <= 0 else f"{text[:_LONGEST]}… ({more} more characters)"


def numeric(rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> set[str]:
    """Return the columns that hold numbers only, so that they are aligned at the right."""
    found = set()
    for column in columns:
        values = [value for row in rows if (value := row.get(column)) is not None]
        if values and all(map(is_numeric, values)):
            found.add(column)
    return found


def json_text(value: Any) -> Markup:
    """Return a value as JSON that no browser takes for markup, for the inside of a script element.

    Written are `<`, `>`, `&` and the two line separators that older JavaScript does not take in text as escapes,
    which is the same JSON.
    """
    text = json.dumps(exact(value), ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


@cache
def asset(name: str) -> str:
    """Return the text of a file of `assets/`, without the line that names a source map: a page asks for nothing."""
    text = (ASSETS / name).read_text(encoding="utf-8")
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("//# sourceMappingURL="))


@cache
def digest(name: str) -> str:
    """Return an asset's hash as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(asset(name).encode()).digest()).decode()}'"
