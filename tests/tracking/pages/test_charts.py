"""Charts: specifications that Vega-Lite compiles, with the axes that the values call for."""

import json
from typing import Any

import pytest

from tracking.pages import charts
from tracking.pages.charts import Field

ALPHA = Field(name="k0", title="alpha", log=True, values=(0.01, 0.1, 1.0))
RATIO = Field(name="k1", title="l1_ratio", values=(0.1, 0.9))
MODEL = Field(name="k2", title="model", numeric=False, values=("Lasso", "<b>'\"] Ridge"))
RMSE = Field(name="m0", title="rmse_mean")
TIME = Field(name="t", title="fit time", unit="s", log=True)

ROWS = [
    {"no": n + 1, "k0": a, "k1": r, "k2": m, "m0": 50.0 + n if n else None, "t": 0.1 * (n + 1), "front": n < 2}
    for n, (a, r, m) in enumerate((a, r, m) for a in ALPHA.values for r in RATIO.values for m in MODEL.values)
]
FOLDS = [{"run": "1", "place": 1, "fold": fold, "value": 50.0 + fold} for fold in range(3)]
DATA: dict[str, list[dict[str, Any]]] = {
    "points": ROWS,
    "folds": FOLDS,
    "parallel": [{"run": 1, "key": "alpha", "place": 0.5, "score": 50.0}],
    "ticks": [{"key": "alpha", "place": 0.0, "label": "0.01"}],
}

SPECS = {
    "lines": charts.score_lines(ALPHA, RMSE, RATIO, direction="minimize", points=12, others=True),
    "lines of one key": charts.score_lines(ALPHA, RMSE, direction="minimize", points=12),
    "lines by class": charts.score_lines(RATIO, RMSE, MODEL, direction=None, points=12),
    "dots by class": charts.score_lines(MODEL, RMSE, direction="minimize", points=12),
    "map": charts.pair_map(ALPHA, RATIO, RMSE, direction="maximize", dense=True),
    "map of dots": charts.pair_map(ALPHA, RATIO, RMSE, direction="minimize", dense=False),
    "scatter": charts.scatter(TIME, RMSE, MODEL),
    "front": charts.front(TIME, RMSE),
    "folds": charts.fold_dots("rmse", 1),
    "parallel": charts.parallel(RMSE, "minimize"),
}


@pytest.mark.heavy
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_chart_is_drawn_by_vega_lite_itself(spec: charts.Spec) -> None:
    converter = pytest.importorskip("vl_convert", reason="the extra [plot] is not installed")
    svg = converter.vegalite_to_svg(charts.with_data(spec, DATA))
    assert svg.startswith("<svg")
    assert "NaN" not in svg


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_chart_is_plain_data_that_holds_none_of_the_runs(spec: charts.Spec) -> None:
    assert json.loads(json.dumps(spec)) == spec
    assert "values" not in json.dumps(spec.get("data", {}))


def test_an_axis_is_logarithmic_where_the_field_is() -> None:
    layers = SPECS["lines"]["layer"]
    assert {layer["encoding"]["x"]["scale"]["type"] for layer in layers} == {"log"}
    assert "type" not in layers[0]["encoding"]["y"]["scale"]


def test_a_line_follows_the_best_run_where_other_keys_vary_and_the_mean_where_the_direction_is_unknown() -> None:
    def op(**options: Any) -> str:
        spec = charts.score_lines(ALPHA, RMSE, RATIO, points=12, **options)
        return str(spec["layer"][1]["transform"][0]["aggregate"][0]["op"])

    assert op(direction="minimize", others=True) == "min"
    assert op(direction="maximize", others=True) == "max"
    assert op(direction=None, others=True) == "mean"


def test_of_very_many_points_only_the_lines_are_drawn() -> None:
    spec = charts.score_lines(ALPHA, RMSE, RATIO, direction="minimize", points=charts.MOST_MARKS + 1)
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["line", "point"]


def test_names_are_titles_only_so_that_no_name_is_read_as_an_expression() -> None:
    odd = Field(name="k0", title="a.b['c']\\", numeric=True)
    spec = charts.score_lines(odd, RMSE, direction="minimize", points=1)
    assert all(step["filter"] in ("datum.k0 !== null", "datum.m0 !== null") for step in spec["transform"])
    assert spec["layer"][0]["encoding"]["x"]["title"] == "a.b['c']\\"
