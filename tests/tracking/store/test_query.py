"""The grammar of filters and orders: what it accepts, what that means, and how it points at a mistake."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.errors import FilterError
from tracking.store.conditions import EXPERIMENTS, RUNS, Both, Comparison, Condition, Either, Not, Order
from tracking.store.query import parse_filter, parse_order


def comparison(text: str) -> tuple[str, str, str, Any]:
    found = parse_filter(text, RUNS)
    assert isinstance(found, Comparison)
    return found.kind, found.key, found.operator, found.value


@pytest.mark.parametrize("text", ["", None])
def test_no_filter_is_no_condition(text: str | None) -> None:
    assert parse_filter(text, RUNS) is None


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ("metrics.a = 1", "metric", "a"),
        ("metric.a.b.c = 1", "metric", "a.b.c"),
        ("metrics.top-5/acc = 1", "metric", "top-5/acc"),
        ("metrics.`a b` = 1", "metric", "a b"),
        ('metrics."val:loss" = 1', "metric", "val:loss"),
        ("metrics.日本 = 1", "metric", "日本"),
        ("metrics.1 = 1", "metric", "1"),
        ("params.a = 'x'", "param", "a"),
        ("param.like = 'x'", "param", "like"),
        ("parameter.a = 'x'", "param", "a"),
        ("parameters.a = 'x'", "param", "a"),
        ("tag.mlflow.runName = 'x'", "tag", "mlflow.runName"),
        ("tags.`sweep.id` = 'x'", "tag", "sweep.id"),
        ("status = 'x'", "attribute", "status"),
        ("attribute.run_id = 'x'", "attribute", "run_id"),
        ("attributes.user_id = 'x'", "attribute", "user_id"),
        ("attr.artifact_uri = 'x'", "attribute", "artifact_uri"),
        ("run.run_name = 'x'", "attribute", "run_name"),
        ("`Run name` = 'x'", "attribute", "run_name"),
        ("attributes.`run name` = 'x'", "attribute", "run_name"),
        ("Created = 1", "attribute", "start_time"),
        ("datasets.digest = 'x'", "dataset", "digest"),
    ],
)
def test_identifiers(text: str, kind: str, key: str) -> None:
    assert comparison(text)[:2] == (kind, key)


@pytest.mark.parametrize(
    ("text", "operator", "value"),
    [
        ("metrics.a<-1.5e3", "<", -1500.0),
        ("metrics.a>=.5", ">=", 0.5),
        ("metrics.a != 1.", "!=", 1.0),
        ("metrics.a = 9007199254740993", "=", 9007199254740993),
        ('params.a = "it\'s"', "=", "it's"),
        ("params.a = 'a\"b; -- AND ('", "=", 'a"b; -- AND ('),
        ("params.a = 'it''s'", "=", "it''s"),
        ("params.a like '%x_'", "LIKE", "%x_"),
        ("params.a iLike ''", "ILIKE", ""),
        ("params.a is null", "IS NULL", None),
        ("params.a IS  NOT\nNULL", "IS NOT NULL", None),
        ("params.a > 0.5", ">", 0.5),
        ("tags.a IN ('x', \"y\",)", "IN", ("x", "y")),
        ("metrics.a not in (1, 2.5)", "NOT IN", (1, 2.5)),
    ],
)
def test_operators_and_values(text: str, operator: str, value: Any) -> None:
    assert comparison(text)[2:] == (operator, value)


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Comparison("metric", name, ">", 1) for name in "abc")
    text = "metrics.a > 1 or not metrics.b > 1 And metrics.c > 1"
    assert parse_filter(text, RUNS) == Either((a, Both((Not(b), c))))
    text = "(metrics.a > 1 OR NOT (metrics.b > 1)) AND metrics.c > 1"
    assert parse_filter(text, RUNS) == Both((Either((a, Not(b))), c))


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        (" ", 0, "blank"),
        ("metrics.a", 9, "expected an operator"),
        ("metrics.a >", 11, "expected a number, found the end"),
        ("metrics.a > 'x'", 12, "without quotes"),
        ("metrics.a > nan", 12, "expected a number"),
        ("metrics.a > +1", 12, "expected a number"),
        ("metrics.a == 1", 10, "write ="),
        ("metrics.a <> 1", 10, "write !="),
        ("metrics.a LIKE 'x'", 10, "compares text"),
        ("metrics.a > 1 metrics.b > 2", 14, "expected AND, OR or the end"),
        ("metrics.a > 1 AND", 17, "expected a name"),
        ("AND metrics.a > 1", 0, "'AND' is no attribute"),
        ("metrics.a > 1;", 13, "expected AND"),
        ("metrics. = 1", 9, "a name is missing"),
        ("metrics.a b > 1", 10, "expected an operator"),
        ("(metrics.a > 1", 0, "never closed"),
        ("metrics.a > 1)", 13, "expected AND"),
        ("params.a = 'x", 11, "quote is never closed"),
        ("params.a = x", 11, "a number or quoted text"),
        ("params.a > '1'", 11, "without quotes"),
        ("params.a LIKE 5", 14, "write '5'"),
        ("params.a IN 'x'", 12, "list in parentheses"),
        ("params.a IN ()", 13, "found ')'"),
        ("params.a IN ('x', 5)", 18, "not both"),
        ("params.a IS 5", 12, "expected NULL"),
        ("param5.a = 'x'", 0, "'param5.' is no kind"),
        ("colour = 'x'", 0, "'colour' is no attribute; known are run_id"),
        ("experiment_id = '1'", 0, "no attribute"),
        ("status > 5", 7, "this is text"),
        ("status = 5", 9, "write '5'"),
        ("start_time = '5'", 13, "without quotes"),
        ("dataset.size = 'x'", 0, "no 'size'"),
        ("metrics.a > 1 -- all", 14, "found '-'"),
        ("metrics.a > 5x", 12, "expected a number"),
        ("(" * 51 + "status = 'x'" + ")" * 51, 50, "more than 50 deep"),
        ("NOT " * 5000 + "status = 'x'", 200, "more than 50 deep"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, place: int, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text, RUNS)
    message, line, caret = str(caught.value).split("\n")
    assert reason.lower() in message.lower()
    assert (line[2:], caret[2:]) == (text, " " * place + "^")


def test_in_a_filter_of_several_lines_the_line_is_shown() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter("metrics.a > 1\n  AND metrics.b >> 2", RUNS)
    assert str(caught.value).split("\n")[1:] == ["    AND metrics.b >> 2", " " * 19 + "^"]


def test_a_filter_has_to_be_text() -> None:
    with pytest.raises(FilterError, match="int"):
        parse_filter(5, RUNS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("metrics.a", Order("metric", "a", True)),
        ("metrics.`a b` desc", Order("metric", "a b", False)),
        ("params.alpha ASC", Order("param", "alpha", True)),
        ("tags.desc DESC", Order("tag", "desc", False)),
        ("start_time DESC", Order("attribute", "start_time", False)),
        ("Created", Order("attribute", "start_time", True)),
        ("attributes.end_time", Order("attribute", "end_time", True)),
    ],
)
def test_orders(text: str, order: Order) -> None:
    assert parse_order([text], RUNS) == (order,)


@pytest.mark.parametrize(
    "columns",
    [
        [""],
        ["metrics.a down"],
        ["metrics.a DESC, metrics.b"],
        ["colour"],
        ["metrics.a", "metric.`a` DESC"],
        ["datasets.name"],
    ],
)
def test_an_order_that_cannot_be_read_is_refused(columns: list[str]) -> None:
    with pytest.raises(FilterError, match=r"\^$"):
        parse_order(columns, RUNS)


def test_experiments_have_names_of_their_own() -> None:
    condition = parse_filter("name LIKE 'a%' AND tags.x = 'y' AND creation_time > 5", EXPERIMENTS)
    assert isinstance(condition, Both)
    assert [operand.key for operand in condition.operands if isinstance(operand, Comparison)] == [
        "name",
        "x",
        "creation_time",
    ]
    for refused in ("metrics.a > 1", "status = 'x'", "experiment_id > 5"):
        with pytest.raises(FilterError):
            parse_filter(refused, EXPERIMENTS)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    condition, order = None, ()
    with suppress(FilterError):
        condition = parse_filter(text, RUNS)
    with suppress(FilterError):
        order = parse_order([text], RUNS)
    assert condition is None or isinstance(condition, Condition)
    assert all(isinstance(term, Order) for term in order)


KEYS = st.text("abzé_ .-/:", min_size=1, max_size=8)
WHOLE = st.integers(-(2**63), 2**63 - 1)  # larger ones are read as floats, as SQLite compares them
COMPARISONS = st.one_of(
    st.builds(
        Comparison,
        st.sampled_from(["metric", "param", "tag"]),
        KEYS,
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.one_of(WHOLE, st.floats(allow_nan=False, allow_infinity=False)),
    ),
    st.builds(
        Comparison,
        st.sampled_from(["param", "tag"]),
        KEYS,
        st.sampled_from(["=", "!=", "LIKE", "ILIKE"]),
        st.text(max_size=8).filter(lambda text: "'" not in text),
    ),
    st.builds(Comparison, st.just("tag"), KEYS, st.sampled_from(["IS NULL", "IS NOT NULL"]), st.none()),
    st.builds(
        Comparison,
        st.just("metric"),
        KEYS,
        st.sampled_from(["IN", "NOT IN"]),
        st.lists(WHOLE, min_size=1, max_size=4).map(tuple),
    ),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Both, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Either, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


def written(condition: Condition) -> str:
    match condition:
        case Comparison(kind, key, operator, None):
            return f"{kind}s.`{key}` {operator}"
        case Comparison(kind, key, operator, tuple(values)):
            return f"{kind}s.`{key}` {operator} ({', '.join(map(str, values))})"
        case Comparison(kind, key, operator, str(value)):
            return f"{kind}s.`{key}` {operator} '{value}'"
        case Comparison(kind, key, operator, value):
            return f"{kind}s.`{key}` {operator} {value!r}"
        case Not(operand):
            return f"NOT ({written(operand)})"
        case Both(operands):
            return " AND ".join(f"({written(operand)})" for operand in operands)
        case Either(operands):
            return " OR ".join(f"({written(operand)})" for operand in operands)


@given(CONDITIONS)
def test_a_condition_that_is_written_reads_back_the_same(condition: Condition) -> None:
    assert parse_filter(written(condition), RUNS) == condition


@pytest.mark.parametrize(
    "text", ["metrics.m = 1" + "0" * 100_000 + "x", "metrics.m = " + "1." * 50_000, "params.p = '" + "a" * 100_000]
)
def test_text_that_only_begins_like_a_value_is_refused_at_once(text: str) -> None:
    with pytest.raises(FilterError):  # trying each shorter beginning would take hours
        parse_filter(text, RUNS)


def test_very_long_conditions_are_read() -> None:
    for word, kind in (("AND", Both), ("OR", Either)):
        condition = parse_filter(f" {word} ".join(f"metrics.m > {number}" for number in range(10_000)), RUNS)
        assert isinstance(condition, kind)
        assert [operand.value for operand in condition.operands] == list(range(10_000))


def test_a_mistake_behind_an_odd_line_break_is_shown_in_its_line() -> None:
    with pytest.raises(FilterError, match=r"params\.b ="):
        parse_filter("params.a = '1' AND\x0b\nparams.b =", RUNS)
