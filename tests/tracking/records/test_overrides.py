"""An override is taken apart once: its prefix, key and value; what is recorded is the text."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tracking.records.overrides import Override, key_of, parse_overrides


@pytest.mark.parametrize("text", ["alpha=0.1", "++x=[1,2]", "~prepare", "~model=ridge", "+model@other=lasso", "x="])
def test_a_text_is_divided_as_hydra_divides_it(text: str) -> None:
    override = Override.parse(text)
    parsed = OverridesParser.create().parse_override(text)

    assert override.spelled == parsed.get_key_element()
    assert override.group == parsed.key_or_group
    assert override.written == (parsed.input_line or "").partition("=")[2]
    assert override.text == text


def test_the_parts_of_an_override_are_its_prefix_key_and_value() -> None:
    made = Override.of("++model.alpha", 0.5)

    assert (made.prefix, made.key, made.value, made.text) == ("++", "model.alpha", 0.5, "++model.alpha=0.5")
    assert (made.section, made.spelled) == ("model", "++model.alpha")
    assert Override.of("~prepare").text == "~prepare"
    assert Override.of("alpha", None).text == "alpha=null"
    assert Override.parse("~prepare").value is None


def test_overrides_are_the_same_if_their_texts_are() -> None:
    assert Override.of("alpha", 0.5) == Override.parse("alpha=0.5")
    assert Override.of("alpha", 1) != Override.of("alpha", 1.0)
    assert len({*parse_overrides(["alpha=1", "alpha=1", "+alpha=1"])}) == 2


def test_a_prefix_is_no_part_of_the_key() -> None:
    assert [key_of(key) for key in ("alpha", "+alpha", "++alpha", "~alpha")] == ["alpha"] * 4
