"""The language of `exclude`: a condition over the keys of a point. Parsed and checked, never eval'ed.

Allowed are keys (`alpha`, `model.max_depth`), literals, comparisons, `in`, `and`, `or`, `not` and arithmetic.
What is said about a key that a point does not have is unknown, and so is arithmetic or order with null; a
point is excluded only if the whole is true (the three-valued logic of SQL). So `l1_ratio != 0.5` excludes no
ridge, and neither does `not l1_ratio == 0.5`.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from runner.errors import SweepError

LONGEST: Final = 2_000  # characters; a bound on nesting too, so that parsing and evaluating stay cheap

_Values = Mapping[str, object]
_Evaluate = Callable[[_Values], Any]

_UNKNOWN: Final = object()
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,  # floats: 9 ** 9 ** 9 must overflow, not compute for an hour
}
_ORDER: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUALITY: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
}
_WORDS: Final = {"null": None, "none": None, "true": True, "false": False}  # YAML's spelling beside Python's


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition that has been read; `names` are the keys it speaks about."""

    text: str
    origin: str  # where it is written, for messages: "sweep[2]"
    names: frozenset[str]
    _evaluate: _Evaluate = field(repr=False, compare=False)

    def holds(self, values: Mapping[str, object]) -> bool:
        """Tell whether the condition is true for the values of a point."""
        try:
            result = self._evaluate(values)
            return result is not _UNKNOWN and _truth(result)
        except _Mismatch as mismatch:
            raise SweepError(f"{self.origin}: exclude: {self.text}: {mismatch}") from None


class _Mismatch(Exception):
    """A part of the expression has no meaning; becomes a SweepError that names the expression."""


def parse_expression(text: str, origin: str) -> Expression:
    """Read a condition; SweepError says what is not allowed and where.

    >>> condition = parse_expression("model.max_depth == 3 and seed > 43", "sweep[0]")
    >>> condition.holds({"model.max_depth": 3, "seed": 44})
    True
    """
    names: set[str] = set()
    try:
        if len(text) > LONGEST:
            raise _Mismatch(f"longer than {LONGEST} characters. Write a list of shorter conditions.")
        with warnings.catch_warnings(action="ignore"):  # Python's advice about its own code, as for '\\d'
            tree = ast.parse(text.strip(), mode="eval")
        evaluate = _compile(tree.body, names)
    except SyntaxError as error:
        place = f" near character {error.offset}" if error.offset else ""
        raise SweepError(
            f"{origin}: exclude: {text}: cannot be read{place} ({error.msg}). "
            "Write a condition such as: model == 'ridge' and alpha > 1"
        ) from None
    except (_Mismatch, ValueError) as error:  # ValueError: null bytes, absurdly long integers
        raise SweepError(f"{origin}: exclude: {text}: {error}") from None
    except (RecursionError, MemoryError):
        raise SweepError(
            f"{origin}: exclude: the condition is nested too deeply. Write a list of shorter ones."
        ) from None
    return Expression(text.strip(), origin, frozenset(names), evaluate)


def _compile(node: ast.expr, names: set[str]) -> _Evaluate:
    match node:
        case ast.Constant(value=value) if value is None or isinstance(value, bool | int | float | str):
            return lambda values: value
        case ast.Name() | ast.Attribute():
            return _compile_name(node, names)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return _compile_items([_compile(item, names) for item in items])
        case ast.BoolOp(op=op, values=parts):
            return _compile_logic(isinstance(op, ast.And), [_compile(part, names) for part in parts])
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _compile_not(_compile(operand, names))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
            factor = -1 if isinstance(op, ast.USub) else 1
            return _compile_arithmetic(ast.Mult(), lambda values: factor, _compile(operand, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _compile_arithmetic(op, _compile(left, names), _compile(right, names))
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _compile_comparison(ops, [_compile(part, names) for part in (left, *others)])
    raise _Mismatch(
        f"'{ast.unparse(node)}' is not allowed. Use keys, literals, comparisons, in, and, or, not, + - * / // % **."
    )


def _compile_name(node: ast.expr, names: set[str]) -> _Evaluate:
    parts: list[str] = []
    inner = node
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    if not isinstance(inner, ast.Name):
        raise _Mismatch(f"'{ast.unparse(node)}' is not a key. Write keys as model.max_depth.")
    name = ".".join([inner.id, *reversed(parts)])
    if name.lower() in _WORDS:
        constant = _WORDS[name.lower()]
        return lambda values: constant
    names.add(name)
    return lambda values: values.get(name, _UNKNOWN)


def _compile_items(items: list[_Evaluate]) -> _Evaluate:
    def evaluate(values: _Values) -> Any:
        found = [item(values) for item in items]
        return _UNKNOWN if any(item is _UNKNOWN for item in found) else found

    return evaluate


def _compile_logic(conjunction: bool, parts: list[_Evaluate]) -> _Evaluate:
    decisive = not conjunction  # one false decides an `and`, one true an `or`, whatever is unknown

    def evaluate(values: _Values) -> Any:
        unknown = False
        for part in parts:
            result = part(values)
            if result is _UNKNOWN:
                unknown = True
            elif _truth(result) is decisive:
                return decisive
        return _UNKNOWN if unknown else conjunction

    return evaluate


def _compile_not(operand: _Evaluate) -> _Evaluate:
    def evaluate(values: _Values) -> Any:
        result = operand(values)
        return _UNKNOWN if result is _UNKNOWN else not _truth(result)

    return evaluate


def _compile_arithmetic(op: ast.operator, left: _Evaluate, right: _Evaluate) -> _Evaluate:
    compute = _ARITHMETIC[type(op)]

    def evaluate(values: _Values) -> Any:
        a, b = left(values), right(values)
        if any(x is _UNKNOWN or x is None for x in (a, b)):
            return _UNKNOWN
        for x in (a, b):
            if not isinstance(x, int | float):
                raise _Mismatch(f"arithmetic needs numbers, and {x!r} is none.")
        try:
            return compute(a, b)
        except (ArithmeticError, ValueError) as error:
            raise _Mismatch(f"no number comes out for {a!r} and {b!r} ({error}).") from None

    return evaluate


def _compile_comparison(ops: list[ast.cmpop], operands: list[_Evaluate]) -> _Evaluate:
    pairs = [_compile_pair(op, a, b) for op, a, b in zip(ops, operands, operands[1:], strict=False)]
    return pairs[0] if len(pairs) == 1 else _compile_logic(True, pairs)


def _compile_pair(op: ast.cmpop, left: _Evaluate, right: _Evaluate) -> _Evaluate:
    def evaluate(values: _Values) -> Any:
        a, b = left(values), right(values)
        return _UNKNOWN if a is _UNKNOWN or b is _UNKNOWN else _compare(op, a, b)

    return evaluate


def _compare(op: ast.cmpop, a: Any, b: Any) -> Any:
    if equality := _EQUALITY.get(type(op)):
        return equality(a, b)
    try:
        if order := _ORDER.get(type(op)):
            return _UNKNOWN if a is None or b is None else order(a, b)
        return (a in b) is isinstance(op, ast.In)
    except TypeError:
        raise _Mismatch(f"{a!r} and {b!r} cannot be compared like this.") from None


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _Mismatch(f"{value!r} is not a condition. Compare it with something, such as: alpha > 1")
