"""Plain data as YAML and back, with OmegaConf's types: `1e-3` is a float, a date is text.

Written and read by PyYAML. What is read is bounded in depth, and in how much its aliases unfold to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from textwrap import indent
from typing import Any, Final

# Which plain scalars are floats to OmegaConf, beside those of YAML 1.1, which wants a dot and a signed exponent.
_FLOAT: Final = re.compile(
    r"""^(?:[-+]?\d+(?:_\d+)*(?:\.[\d_]*(?:[eE][-+]?\d+)?|[eE][-+]?\d+)
      | \.\d+(?:_\d+)*(?:[eE][-+]\d+)?
      | [-+]?\d+(?:_\d+)*(?::[0-5]?\d)+\.[\d_]*
      | [-+]?\.(?:inf|Inf|INF)
      | \.(?:nan|NaN|NAN))$""",
    re.VERBOSE | re.ASCII,
)
_TAG: Final = "tag:yaml.org,2002:"
_VALUES_PER_CHARACTER: Final = 10
_DEEPEST: Final = 100


def write_yaml(tree: Any) -> str:
    """Write plain data as YAML, keys in their order, without anchors."""
    import yaml

    return str(yaml.dump(tree, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=110))


def write_mapping(tree: Mapping[str, Any]) -> str:
    """Write a nested mapping as `write_yaml` would; what was written before is taken from memory.

    The points of a sweep share nearly everything: without that, a config takes 0.7 ms of a point's 8.6.
    """
    return "".join(_entry(key, _ByText(value)) for key, value in tree.items())


class _ByText:
    """A plain value as a cache key that keeps 1, 1.0 and True apart, and 0.0 and -0.0."""

    __slots__ = ("text", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.text = repr(value)

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByText) and self.text == other.text


@lru_cache(maxsize=8192)
def _entry(key: str, value: _ByText) -> str:
    tree = value.value
    if isinstance(tree, Mapping) and tree:
        return _entry(key, _ByText(None)).removesuffix(" null\n") + "\n" + indent(write_mapping(tree), "  ")
    return write_yaml({key: tree})


def parse_yaml(text: str) -> Any:
    """Read YAML. Raises ValueError with the place where the text is not YAML, or with why it cannot be held."""
    import yaml

    try:
        _check_depth(text)
        loader = _loader()(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _count(node, {}) > _VALUES_PER_CHARACTER * len(text):
            raise ValueError("its aliases unfold to far more than the file holds")
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except RecursionError:  # aliases of aliases
        raise ValueError("it is nested too deeply") from None


def _check_depth(text: str) -> None:
    """Raise ValueError for nesting beyond all reason: PyYAML's C reader ends the process at some 10,000 levels."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")


def parse_yaml_mapping(text: str) -> dict[str, Any]:
    """Read YAML whose top is a mapping (empty text is an empty one). Raises ValueError."""
    content = parse_yaml(text)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ValueError(f"its top is a {type(content).__name__}, not a mapping")
    return content


def _count(node: Any, known: dict[int, int]) -> int:
    """Return how many values a node holds where aliases are written out. Raises ValueError for one that holds itself.

    Every node is looked at once, however often it is named: 1 kB can name 9^9 values.
    """
    if not isinstance(node.value, list):  # a scalar
        return 1
    if id(node) in known:
        if not known[id(node)]:
            raise ValueError("a value contains itself")
        return known[id(node)]
    known[id(node)] = 0  # while its members are counted
    members = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
    known[id(node)] = 1 + sum(_count(member, known) for member in members)
    return known[id(node)]


@cache
def _loader() -> Any:
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc, valid-type]
        """The safe loader, with OmegaConf's floats and without dates."""

    Loader.yaml_implicit_resolvers = {
        first: [(name, pattern) for name, pattern in resolvers if name != f"{_TAG}timestamp"]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    _know_floats(Loader)
    return Loader


@cache
def _dumper() -> Any:
    import yaml

    base = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc, valid-type]
        """The safe dumper; text that OmegaConf would take for a float is quoted."""

        def ignore_aliases(self, data: Any) -> bool:
            """Write shared values out each time: an anchor would puzzle a reader."""
            return True

    _know_floats(Dumper)
    return Dumper


def _know_floats(reader_or_writer: Any) -> None:
    reader_or_writer.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+0123456789."))
