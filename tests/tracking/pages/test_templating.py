"""Pages from templates: what is escaped, and that the libraries are the released ones."""

import hashlib
import json

import pytest

from tracking.pages.templating import ASSETS, LIBRARIES, asset, environment, json_text

HOSTILE = '</script><script>alert(1)</script>\u2028 & "quotes" \''


def test_the_libraries_are_the_files_that_were_released() -> None:
    sums = dict(line.split()[::-1] for line in (ASSETS / "SHA256SUMS").read_text().splitlines())
    assert set(LIBRARIES) < set(sums)
    for name, expected in sums.items():
        assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == expected, name


def test_every_library_has_its_licence_beside_it() -> None:
    for library in LIBRARIES:
        text = (ASSETS / f"LICENSE.{library.removesuffix('.min.js')}").read_text()
        assert "Redistribution and use in source and binary forms" in text


@pytest.mark.parametrize("name", [*LIBRARIES, "page.js"])
def test_a_script_can_stand_inside_a_page(name: str) -> None:
    text = asset(name)
    assert "</script" not in text.lower()
    assert "<!--" not in text
    assert "sourceMappingURL" not in text


def test_json_in_a_page_cannot_end_its_element_and_means_the_same() -> None:
    text = json_text({HOSTILE: [HOSTILE, 1.5, None, True]})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {HOSTILE: [HOSTILE, 1.5, None, True]}


def test_numbers_that_json_lacks_are_words() -> None:
    assert json.loads(json_text([float("nan"), float("inf")])) == ["NaN", "Infinity"]


def test_a_template_escapes_what_it_is_given() -> None:
    template = environment().from_string("{% import 'parts.html' as parts %}{{ parts.facts({name: name}) }}")
    page = template.render(name=HOSTILE)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2
