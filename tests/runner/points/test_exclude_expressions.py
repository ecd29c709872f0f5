"""`exclude` is a small safe language: what it accepts, what it means, what it refuses."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import SweepError
from runner.points.expression import parse_expression

POINT = {"model": "ridge", "alpha": 0.5, "seed": 44, "model.max_depth": None, "refit": True, "n": [1, 2]}


def holds(text: str) -> bool:
    return parse_expression(text, "sweep[0]").holds(POINT)


@pytest.mark.parametrize(
    "text",
    [
        "alpha == 0.5",
        "model == 'ridge' and seed > 43",
        "model in ['ridge', 'lasso']",
        "model not in ('svr',)",
        "'rid' in model",
        "0.1 < alpha <= 0.5",
        "alpha * 2 + 1 == 2",
        "seed % 2 == 0 and seed // 10 == 4 and seed ** 2 == 1936 and -seed == -44 and +seed == 44",
        "model.max_depth == null and model.max_depth is None",
        "refit and not alpha > 1",
        "refit == true",
        "n == [1, 2]",
        "alpha > 1 or seed == 44",
        "missing == 1 or alpha == 0.5",
        "1 / alpha == 2",
        r"model != '\d'",
    ],
)
def test_conditions_that_hold(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "alpha != 0.5",
        "model == 'lasso'",
        "l1_ratio == 0.5",
        "l1_ratio != 0.5",
        "not l1_ratio == 0.5",
        "l1_ratio + 1 > 0",
        "l1_ratio in [0.5]",
        "model in [l1_ratio]",
        "l1_ratio == 0.5 and alpha == 0.5",
        "model.max_depth > 3",
        "not model.max_depth > 3",
        "model.max_depth + 1 > 3",
        "seed is not 44",
    ],
)
def test_what_is_false_or_unknown_excludes_nothing(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true')", "is not allowed"),
        ("open('x')", "is not allowed"),
        ("(lambda: 1)() == 1", "is not allowed"),
        ("[x for x in model] == []", "is not allowed"),
        ("model[0] == 'r'", "is not allowed"),
        ("'a'.join(model) == 'a'", "is not allowed"),
        ("('a').upper == 'A'", "is not a key"),
        ("f'{model}' == 'ridge'", "is not allowed"),
        ("alpha if refit else seed", "is not allowed"),
        ("(alpha := 1) == 1", "is not allowed"),
        ("alpha == 1j", "is not allowed"),
        ("alpha == b'1'", "is not allowed"),
        ("~seed == 1", "is not allowed"),
        ("seed << 2 == 1", "is not allowed"),
        ("alpha = 1", "cannot be read near character"),
        ("alpha ==", "cannot be read"),
        ("", "cannot be read"),
        ("alpha == 1\0", "exclude"),
        ("(" * 900 + "alpha" + ")" * 900 + " > 1", "exclude"),
        ("-" * 1500 + "alpha > 1", "exclude"),
        ("alpha > 1 or " * 200 + "alpha > 2", "longer than"),
    ],
)
def test_everything_else_is_refused_before_any_point_is_made(text: str, message: str) -> None:
    with pytest.raises(SweepError, match=message) as refusal:
        parse_expression(text, "sweep[2]")
    assert str(refusal.value).startswith("sweep[2]: exclude: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alpha", "0.5 is not a condition"),
        ("alpha and refit", "0.5 is not a condition"),
        ("model < 3", "'ridge' and 3 cannot be compared"),
        ("1 in alpha", "cannot be compared"),
        ("model * 1000000000 == ''", "arithmetic needs numbers"),
        ("n + n == n", "arithmetic needs numbers"),
        ("alpha / 0 > 1", "no number comes out"),
        ("9 ** 9 ** 9 ** 9 > 1", "no number comes out"),
        ("(0 - 8) ** 0.5 > 1", "no number comes out"),
    ],
)
def test_a_condition_without_meaning_for_a_point_is_a_mistake(text: str, message: str) -> None:
    with pytest.raises(SweepError, match=message):
        holds(text)


def test_the_keys_of_a_condition_are_known() -> None:
    condition = parse_expression("model.max_depth == 3 and (seed == null or model in ['a'])", "sweep[0]")
    assert condition.names == {"model.max_depth", "seed", "model"}


@settings(max_examples=200)
@given(st.text(alphabet="alphseed.model()[]<>=!+-*/%'\" 0123notandrix,{}:@\\", max_size=40))
def test_any_text_is_either_a_condition_or_a_sweep_error(text: str) -> None:
    with contextlib.suppress(SweepError):
        assert isinstance(parse_expression(text, "sweep[0]").holds(POINT), bool)
