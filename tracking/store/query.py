"""The grammar of `filter_string` and `order_by`: text in, conditions out. Knows no SQL and no store.

MLflow's grammar, and beyond it OR, NOT, parentheses, IN everywhere and numbers for params and tags:

    condition  := term (OR term)*          term := factor (AND factor)*
    factor     := NOT factor | "(" condition ")" | comparison
    comparison := identifier operator value | identifier [NOT] IN "(" value ("," value)* ")"
                | identifier IS [NOT] NULL
    identifier := [kind "."] name          kind := metrics | params | tags | attributes | their aliases
    name       := letters, digits, _ . / -  or anything in `backticks` or "double quotes"
    value      := number | 'text' | "text"

Keywords in any case; names as they are. A comparison is false for a run that lacks the name, also `!=`;
NOT turns the whole comparison, so `NOT params.x = '1'` holds for a run without x.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tracking.errors import FilterError
from tracking.store.conditions import Both, Comparison, Condition, Either, Not, Order, Value, Vocabulary

_DATASET_NAMES = ("name", "digest", "context")

_DEEPEST = 50
_ORDERED = ("<", "<=", ">", ">=")
_ALIKE = ("LIKE", "ILIKE")

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>[-+]?(?>\d+\.?+\d*+|\.\d++)(?>[eE][-+]?\d+)?(?![\w.]))
      | (?P<text>'(?:''|[^'])*')
      | (?P<quoted>"[^"]*"|`[^`]*`)
      | (?P<operator><=|>=|!=|<>|==|=|<|>)
      | (?P<sign>[(),])
      | (?P<word>[^\W\d][\w./-]*)
      | (?P<other>[\w.]++|.)
    """,  # (?>...) and ++ take what they can and give nothing back, so that each character is looked at once
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    sort: str
    text: str
    start: int

    def is_word(self, *words: str) -> bool:
        return self.sort == "word" and self.text.upper() in words


def parse_filter(text: str | None, vocabulary: Vocabulary) -> Condition | None:
    """Return the condition of a filter, or None for no filter. Raises FilterError."""
    if not text:
        return None
    return _Parser(text, vocabulary).filter()


def named(condition: Condition | None) -> set[tuple[str, str]]:
    """Return kind and name of everything that a condition asks for."""
    match condition:
        case Comparison(kind, key):
            return {(kind, key)}
        case Not(operand):
            return named(operand)
        case Both(operands) | Either(operands):
            return set().union(*map(named, operands))
    return set()


def parse_order(columns: Sequence[str], vocabulary: Vocabulary) -> tuple[Order, ...]:
    """Return the columns to sort by. Raises FilterError, also for a column that comes twice."""
    orders: list[Order] = []
    for text in columns:
        parser = _Parser(text, vocabulary)
        order = parser.order()
        if any((order.kind, order.key) == (other.kind, other.key) for other in orders):
            raise parser.error(0, "this column is already in order_by; name each once")
        orders.append(order)
    return tuple(orders)


class _Parser:
    """Reads one text by recursive descent."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        if not isinstance(text, str):
            raise FilterError(f"A filter or column is text, not {type(text).__name__}: {text!r}.")
        self.text = text
        self.vocabulary = vocabulary
        self.tokens = [
            _Token(str(match.lastgroup), match.group(), match.start())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "space"
        ]
        self.tokens.append(_Token("end", "the end", len(text)))
        self.position = 0
        self.depth = 0

    def error(self, where: _Token | int, message: str) -> FilterError:
        """Point at the place: the line it is in, and a caret below."""
        start = where if isinstance(where, int) else where.start
        before = self.text[:start]
        line = self.text.split("\n")[before.count("\n")]
        column = len(before) - (before.rfind("\n") + 1)
        return FilterError(f"{message[0].upper()}{message[1:]}:\n  {line}\n  {' ' * column}^")

    # Filters -----------------------------------------------------------------------------------
    def filter(self) -> Condition:
        if self.tokens[0].sort == "end":
            raise self.error(0, "the filter is blank; give a condition, or no filter at all")
        condition = self._either()
        if self._peek().sort != "end":
            raise self._unexpected("AND, OR or the end")
        return condition

    def _either(self) -> Condition:
        operands = [self._both()]
        while self._accept("OR"):
            operands.append(self._both())
        return operands[0] if len(operands) == 1 else Either(tuple(operands))

    def _both(self) -> Condition:
        operands = [self._factor()]
        while self._accept("AND"):
            operands.append(self._factor())
        return operands[0] if len(operands) == 1 else Both(tuple(operands))

    def _factor(self) -> Condition:
        negated = self._peek()
        if self._accept("NOT"):
            with self._deeper(negated):
                return Not(self._factor())
        if self._peek().text == "(":
            return self._parenthesis()
        return self._comparison()

    def _parenthesis(self) -> Condition:
        opening = self._next()
        with self._deeper(opening):
            condition = self._either()
        if self._peek().sort == "end":
            raise self.error(opening, "this parenthesis is never closed")
        if self._peek().text != ")":
            raise self._unexpected("AND, OR or ')'")
        self._next()
        return condition

    @contextmanager
    def _deeper(self, token: _Token) -> Iterator[None]:
        if self.depth == _DEEPEST:
            raise self.error(token, f"conditions are nested more than {_DEEPEST} deep from here")
        self.depth += 1
        yield
        self.depth -= 1

    def _comparison(self) -> Comparison:
        start = self._peek()
        kind, key = self._identifier()
        type_ = self._type(kind, key)
        operator_token = self._peek()
        operator = self._operator()
        self._check_operator(operator_token, operator, type_, start)
        if operator.startswith("IS"):
            return Comparison(kind, key, operator, None)
        if operator.endswith("IN"):
            return Comparison(kind, key, operator, self._values(type_))
        return Comparison(kind, key, operator, self._value(type_, operator))

    def _identifier(self) -> tuple[str, str]:
        """Read `kind.name`, `kind."name"` or a bare attribute."""
        token = last = self._next()
        text = token.text
        if token.sort == "quoted":
            last = self._peek()
            if text[0] != "`" or last.text[:1] != "." or last.start != token.start + len(text):
                return "attribute", self._attribute(token, text[1:-1])
            text = text[1:-1] + self._next().text  # `metrics`.rmse
        elif token.sort != "word":
            self.position -= 1
            raise self._unexpected("a name such as metrics.rmse or params.alpha")
        prefix, dot, name = text.partition(".")
        if not dot:
            return "attribute", self._attribute(token, text)
        if prefix not in self.vocabulary.kinds:
            known = ", ".join(f"{known}." for known in self.vocabulary.kinds if known.endswith("s"))
            raise self.error(token, f"'{prefix}.' is no kind of name; known are {known} and bare attributes")
        if not name:
            name = self._quoted_name(last)
        kind = self.vocabulary.kinds[prefix]
        return (kind, self._attribute(token, name)) if kind == "attribute" else (kind, name)

    def _quoted_name(self, prefix: _Token) -> str:
        token = self._peek()
        if token.sort != "quoted" or token.start != prefix.start + len(prefix.text):
            raise self.error(token, f"a name is missing after '{prefix.text}'; quote odd ones: {prefix.text}`a b`")
        return self._next().text[1:-1]

    def _attribute(self, token: _Token, name: str) -> str:
        name = self.vocabulary.aliases.get(name, name)
        if name not in self.vocabulary.attributes:
            known = ", ".join(self.vocabulary.attributes)
            raise self.error(
                token,
                f"'{name}' is no attribute; known are {known}. A metric is metrics.{name}, a param params.{name}, "
                f"a tag tags.{name}"
                if "metric" in self.vocabulary.kinds
                else f"'{name}' is no attribute; known are {known}. For tags write tags.{name}",
            )
        return name

    def _type(self, kind: str, key: str) -> str:
        if kind == "attribute":
            return self.vocabulary.attributes[key]
        if kind == "dataset" and key not in _DATASET_NAMES:
            raise self.error(0, f"a dataset has {', '.join(_DATASET_NAMES)}, but no '{key}'")
        return "number" if kind == "metric" else "either" if kind in ("param", "tag") else "text"

    def _operator(self) -> str:
        token = self._next()
        if token.sort == "operator":
            return token.text
        if token.is_word("LIKE", "ILIKE", "IN"):
            return token.text.upper()
        if token.is_word("NOT") and self._peek().is_word("IN"):
            self._next()
            return "NOT IN"
        if token.is_word("IS"):
            negated = self._accept("NOT")
            if not self._accept("NULL"):
                raise self._unexpected("NULL")
            return "IS NOT NULL" if negated else "IS NULL"
        self.position -= 1
        raise self._unexpected("an operator: = != < <= > >= LIKE ILIKE IN, NOT IN, IS NULL, IS NOT NULL")

    def _check_operator(self, token: _Token, operator: str, type_: str, name: _Token) -> None:
        if operator in ("==", "<>"):
            raise self.error(token, f"'{operator}' is not an operator here; write {'=' if operator == '==' else '!='}")
        if type_ == "number" and operator in _ALIKE:
            raise self.error(token, f"{operator} compares text, and this is a number; use = != < <= > >= or IN")
        if type_ in ("text", "id") and operator in _ORDERED:
            raise self.error(token, f"'{operator}' compares numbers, and this is text; use = != LIKE ILIKE or IN")

    def _values(self, type_: str) -> tuple[Value, ...]:
        if self._peek().text != "(":
            raise self._unexpected("a list in parentheses, such as ('a', 'b')")
        self._next()
        values = [self._value(type_, "IN")]
        while self._peek().text == ",":
            self._next()
            if self._peek().text == ")":
                break  # MLflow lets a list end in a comma
            token = self._peek()
            values.append(self._value(type_, "IN"))
            if isinstance(values[-1], str) != isinstance(values[0], str):
                raise self.error(token, "a list has either texts or numbers, not both")
        if self._peek().text != ")":
            raise self._unexpected("',' or ')'")
        self._next()
        return tuple(values)

    def _value(self, type_: str, operator: str) -> Value:
        token = self._next()
        is_text = token.sort == "text" or (token.sort == "quoted" and token.text[0] == '"')
        if token.sort == "number" and not token.text.startswith("+"):
            if type_ == "text" or operator in _ALIKE:
                raise self.error(token, f"text belongs here; write '{token.text}'")
            return token.text if type_ == "id" else _number(token.text)
        if is_text:
            text = token.text[1:-1]
            if type_ == "number":
                raise self.error(token, f"a number belongs here, without quotes, not {token.text}")
            if operator in _ORDERED:
                raise self.error(token, f"'{operator}' compares numbers; write the number without quotes")
            return text
        self.position -= 1
        if token.text[:1] in "'\"`":
            raise self.error(token, "this quote is never closed")
        wanted = {"number": "a number", "either": "a number or quoted text"}.get(type_, "quoted text")
        raise self._unexpected(wanted)

    # Order -------------------------------------------------------------------------------------
    def order(self) -> Order:
        start = self._peek()
        kind, key = self._identifier()
        if kind not in self.vocabulary.orderable:
            raise self.error(start, f"cannot sort by a {kind}; sort by {', '.join(self.vocabulary.orderable)}")
        ascending = True
        if self._accept("DESC"):
            ascending = False
        else:
            self._accept("ASC")
        if self._peek().sort != "end":
            raise self._unexpected("ASC, DESC or the end")
        return Order(kind, key, ascending)

    # Tokens ------------------------------------------------------------------------------------
    def _peek(self) -> _Token:
        return self.tokens[min(self.position, len(self.tokens) - 1)]  # the last one is the end

    def _next(self) -> _Token:
        token = self._peek()
        self.position += 1
        return token

    def _accept(self, word: str) -> bool:
        if self._peek().is_word(word):
            self.position += 1
            return True
        return False

    def _unexpected(self, wanted: str) -> FilterError:
        token = self._peek()
        found = "the end" if token.sort == "end" else f"'{token.text}'"
        if token.text[:1] in ("'", '"', "`") and len(token.text) == 1:
            return self.error(token, "this quote is never closed")
        return self.error(token, f"expected {wanted}, found {found}")


def _number(text: str) -> int | float:
    try:
        number = int(text)
    except ValueError:
        return float(text)
    return number if abs(number) < 2**63 else float(number if abs(number) < 10**308 else text)
