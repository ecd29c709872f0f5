"""Runs to rows: large ones too."""

from __future__ import annotations

from typing import Any

from tracking.pages.run_table import all_columns, telling_columns


class Counting(dict[str, Any]):
    """A row that counts how often it is asked."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.asked += 1
        return super().get(key, default)


def test_columns_of_runs_with_many_params_are_found_in_one_pass() -> None:
    rows = [Counting({f"params.group{i % 50}.p{i}": f"{letter}{i}" for i in range(20_000)}) for letter in "ab"]
    columns = telling_columns(rows)
    assert sum(column.startswith("params.") for column in columns) == 20_000
    assert rows[0].asked < 20 * 20_000  # comparing each with each would ask 200,000,000 times


def test_a_param_that_repeats_another_is_left_out_and_the_rest_is_in_order() -> None:
    rows = [
        {"params.alpha": value, "params.model.alpha": value, "params.cv.alpha": other, "tags.t": value, "metrics.m": 1}
        for value, other in (("1", "x"), ("2", "y"))
    ]
    assert all_columns(rows)[-5:] == ["params.alpha", "params.cv.alpha", "params.model.alpha", "metrics.m", "tags.t"]
    assert [column for column in telling_columns(rows) if "alpha" in column] == ["params.alpha", "params.cv.alpha"]
