"""What axes Hydra's sweep syntax on the command line becomes."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from runner.compose.overrides import read_arguments


@pytest.mark.parametrize(
    "text",
    [
        "alpha=shuffle(1,2,3,4,5,6,7,8,9,10)",
        "alpha=shuffle(range(1,11))",
        "alpha=shuffle(range(0.1,1.1,0.1))",
        "alpha=shuffle([a b, 'c,d', null, true, 1.5])",
    ],
)
def test_a_shuffled_axis_says_of_each_value_what_it_is(text: str) -> None:
    [axis] = read_arguments([text], loader=None, points=10)
    for (setting,) in axis.values:
        read = OverridesParser.create().parse_override(setting.text).value()
        assert (type(read), read) == (type(setting.value), setting.value)


def test_a_shuffled_range_has_the_values_of_the_range_once_each() -> None:
    [plain] = read_arguments(["alpha=range(0.1,1,0.1)"], loader=None, points=10)
    [shuffled] = read_arguments(["alpha=shuffle(range(0.1,1,0.1))"], loader=None, points=10)
    assert sorted(setting.text for (setting,) in shuffled.values) == [setting.text for (setting,) in plain.values]
