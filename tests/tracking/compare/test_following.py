"""Which keys only repeat which: as the composer recorded it, else by their values."""

from __future__ import annotations

import pytest

from tracking.compare.following import find_followed, gather_followers, guess_followed
from tracking.records.values import ABSENT, Change

ROWS = {"alpha": (0.1, 0.5), "seed": (1, 2), "model.alpha": (0.1, 0.5), "cv.random_state": (1, 2), "model.tol": (1, 2)}


def test_what_was_recorded_is_taken_and_nothing_is_guessed() -> None:
    """`model.tol` equals the seed in both runs, by chance; `model.C` repeats alpha under another name."""
    follows = {"model.alpha": "alpha", "cv.random_state": "seed", "model.C": "alpha"}

    found = find_followed({**ROWS, "model.C": (ABSENT, 0.5)}, [follows, follows])

    assert found == follows


def test_a_key_that_follows_in_one_run_only_is_a_key_of_its_own() -> None:
    assert find_followed(ROWS, [{"model.alpha": "alpha"}, {}]) == {}
    assert find_followed({"alpha": (1, 2), "model.alpha": (ABSENT, 2)}, [{}, {"model.alpha": "alpha"}]) == {
        "model.alpha": "alpha"
    }


def test_a_chain_leads_to_its_head_and_a_circle_to_nothing() -> None:
    chain = {"model.alpha": "own.alpha", "own.alpha": "alpha"}
    circle = {"model.alpha": "own.alpha", "own.alpha": "model.alpha"}
    rows = {"model.alpha": (1, 2), "own.alpha": (1, 2)}

    assert find_followed(rows, [chain, chain]) == dict.fromkeys(rows, "alpha")
    assert find_followed(rows, [circle, circle]) == {}


@pytest.mark.parametrize("recorded", [[None, None], [None, {}]])
def test_where_a_run_does_not_say_it_is_guessed_for_all(recorded: list[dict[str, str] | None]) -> None:
    assert find_followed(ROWS, recorded) == {
        "model.alpha": "alpha",
        "cv.random_state": "seed",
        "model.tol": "seed",
    }


def test_one_common_value_is_a_repetition_only_of_a_key_of_that_name() -> None:
    rows = {"alpha": (1.0, ABSENT), "model.alpha": (1.0, ABSENT), "model.tol": (1.0, ABSENT)}

    assert guess_followed(rows) == {"model.alpha": "alpha"}


def test_of_two_equal_keys_the_one_of_that_name_is_repeated() -> None:
    rows = {"beta": (1, 2), "alpha": (1, 2), "model.alpha": (1, 2), "nan": (float("nan"), 1), "x.y": (float("nan"), 1)}

    assert guess_followed(rows) == {"model.alpha": "alpha", "x.y": "nan"}


def test_followers_are_named_with_the_key_that_they_repeat_if_it_is_among_the_changes() -> None:
    changes = [Change(key, values) for key, values in ROWS.items() if key != "seed"]

    gathered = gather_followers(changes, guess_followed(ROWS))

    assert [(change.key, change.also) for change in gathered] == [
        ("alpha", ("model.alpha",)),
        ("cv.random_state", ()),
        ("model.tol", ()),
    ]


class Counted:
    """A value that counts how often it is looked at."""

    looks = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        Counted.looks += 1
        return str(self.number)


def test_every_value_is_looked_at_once_or_twice_however_many_keys_there_are() -> None:
    n = 500
    pairs = [(Counted(i), Counted(i + 1)) for i in range(n)]
    rows = {f"k{i}": pair for i, pair in enumerate(pairs)} | {f"model.k{i}": pair for i, pair in enumerate(pairs)}

    Counted.looks = 0
    assert guess_followed(rows) == {f"model.k{i}": f"k{i}" for i in range(n)}
    assert Counted.looks <= 2 * 2 * 2 * n  # two runs, 2 n keys
