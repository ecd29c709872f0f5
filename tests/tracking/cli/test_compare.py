"""`python -m tracking diff | compare | effects` on a real store."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

import tracking
from tracking.cli import app as cli
from tracking.cli.compare import configured_ignores
from tracking.client import TrackingClient
from tracking.errors import InvalidValue
from tracking.records.environment import parse_environment
from tracking.records.overrides import Override
from tracking.records.reading import load_records
from tracking.records.values import unfold
from tracking.records.yaml_text import parse_yaml
from tracking.store.sqlite import Store
from tracking.stores import open_store

ROOT = Path(__file__).resolve().parents[3]
Recorder = Callable[..., str]
TAGS = {
    "objective.metric": "rmse_mean",
    "objective.direction": "minimize",
    "fingerprint.data": "v1:d",
    "fingerprint.splits": "v1:s",
    "cv.test_train_ratio": "0.25",
    "sweep.id": "1f9a0b2c",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKING_URI", f"sqlite:///{tmp_path / 'tracking.db'}")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def client(folder: Path) -> TrackingClient:
    return TrackingClient(f"sqlite:///{folder / 'tracking.db'}")


@pytest.fixture
def store(client: TrackingClient, folder: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{folder / 'tracking.db'}")
    yield opened
    opened.close()


@pytest.fixture
def record(client: TrackingClient) -> Recorder:
    """Return a function that records a run as the runner does, and returns its id."""

    def record_run(name: str, config: dict[str, Any], *, files: bool = True, **tags: str) -> str:
        run_id = client.create_run("0", run_name=name, tags={**TAGS, **tags}).info.run_id
        for key, value in unfold(config).items():
            client.log_param(run_id, key, value)
        for fold in range(5):
            client.log_metric(run_id, "rmse", 50.0 + fold + config.get("alpha", 0), step=fold)
        client.log_metric(run_id, "rmse_mean", 52.0 + config.get("alpha", 0))
        if files:
            minimal = [f"alpha={config['alpha']}"]
            client.log_text(run_id, yaml.safe_dump(config), "config.yaml")
            client.log_text(run_id, yaml.safe_dump({"minimal": minimal, "choices": {}}), "overrides.yaml")
            client.log_text(run_id, "# python: 3.11.7\nnumpy==2.1.0\n", "environment.txt")
        client.set_terminated(run_id)
        return run_id

    return record_run


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_diff_ends_with_0_for_the_same_1_for_different_and_2_for_a_mistake(
    record: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    first, twin = record("first", {"alpha": 0.1}), record("twin", {"alpha": 0.1})
    record("other", {"alpha": 0.5})

    assert run_cli(capsys, "diff", first, twin)[0] == 0
    code, out, _ = run_cli(capsys, "diff", "first", "other")
    assert code == 1
    assert "alpha  0.1 -> 0.5" in out
    assert "As a command: python -m runner alpha=0.5" in out
    assert run_cli(capsys, "diff", "first", "other", "--only", "env")[0] == 0
    for mistake in (["first"], ["first", "nobody"], ["first", "other", "--only", "nothing"]):
        code, out, err = run_cli(capsys, "diff", *mistake)
        assert (code, out) == (2, "")
        assert err


def test_printed_commands_name_a_store_that_they_would_not_find(
    record: Recorder, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record("a", {"alpha": 0.1})
    record("b", {"alpha": 0.5})
    cli.main(["diff", "a", "b", "--store", "sqlite:///tracking.db"])
    assert "--store" not in capsys.readouterr().out

    monkeypatch.delenv("TRACKING_URI")
    cli.main(["diff", "a", "b", "--store", "sqlite:///tracking.db"])

    commands = [line for line in capsys.readouterr().out.splitlines() if "runner.reproduce" in line]
    assert len(commands) == 2
    assert all(" --store sqlite:///tracking.db" in command for command in commands)


def test_diff_as_json_is_json_also_with_infinite_scores(
    record: Recorder, client: TrackingClient, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = record("first", {"alpha": 0.1}), record("second", {"alpha": float("inf")})
    client.log_metric(first, "loss", float("nan"))
    client.log_metric(second, "loss", float("inf"))
    code, out, _ = run_cli(capsys, "diff", first, second, "--format", "json")

    data = json.loads(out)
    assert code == 1
    assert data["same"] is False
    assert data["config"]["changes"][0]["values"] == [0.1, "Infinity"]


def test_ignored_keys_come_from_the_command_line_and_from_pyproject(
    record: Recorder, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record("first", {"alpha": 0.1, "seed": 1, "model": {"verbose": 0}})
    record("second", {"alpha": 0.1, "seed": 2, "model": {"verbose": 1}})

    assert run_cli(capsys, "diff", "first", "second", "--ignore", "seed")[0] == 1
    (folder / "pyproject.toml").write_text('[tool.tracking]\ndiff_ignore = ["*.verbose"]\n')
    assert run_cli(capsys, "diff", "first", "second", "--ignore", "seed")[0] == 0


@pytest.mark.parametrize("text", ["not toml [", '[tool.tracking]\ndiff_ignore = "seed"\n'])
def test_an_unreadable_ignore_list_is_a_message(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)

    with pytest.raises(InvalidValue, match="diff_ignore"):
        configured_ignores(folder)


def test_runs_logged_by_hand_are_compared_by_what_they_have(
    record: Recorder, client: TrackingClient, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand = client.create_run("0", run_name="by hand").info.run_id
    client.log_param(by_hand, "alpha", 0.1)
    client.set_terminated(by_hand)
    record("by runner", {"alpha": 0.5})
    code, out, _ = run_cli(capsys, "diff", "by hand", "by runner")

    assert code == 1
    assert "No config.yaml in: by hand. Compared are the params, as text." in out
    assert run_cli(capsys, "diff", by_hand, by_hand)[0] == 0


def test_a_broken_config_file_is_named_and_not_fatal(
    record: Recorder, client: TrackingClient, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = record("first", {"alpha": 0.1}), record("second", {"alpha": 0.1})
    client.log_text(second, "alpha: [", "config.yaml")
    client.log_text(second, "- a list", "overrides.yaml")
    code, out, _ = run_cli(capsys, "diff", first, second)

    assert "config.yaml cannot be read" in out
    assert "overrides.yaml cannot be read: its top is a list" in out
    assert code == 0


def test_compare_lists_a_sweep_best_first_and_writes_latex(
    record: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    for alpha in (0.5, 0.1):
        record(f"ridge {alpha}", {"alpha": alpha, "seed": 1})
    code, out, _ = run_cli(capsys, "compare", "--sweep", "1f9a", "--format", "csv")

    assert code == 0
    assert out.splitlines()[0] == "id,name,alpha,rmse_mean,duration"
    assert out.splitlines()[1].split(",")[1] == "ridge 0.1"
    code, out, _ = run_cli(capsys, "compare", "--sweep", "latest", "--columns", "alpha,rmse", "--format", "latex")
    assert code == 0
    assert r"alpha & rmse\_mean" in out


def test_runs_scored_on_other_data_are_not_ranked_with_each_other_and_this_is_said(
    record: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    record("small", {"alpha": -51.9}, **{"fingerprint.data": "v1:small"})
    record("other", {"alpha": 1.0})
    record("newest", {"alpha": 3.0})

    code, out, err = run_cli(capsys, "compare", "--experiment", "Default", "--format", "csv")

    assert code == 0
    assert [line.split(",")[2] for line in out.splitlines()] == ["name", "other", "newest", "small"]
    assert "These runs were scored on 2 different sets of data or splits" in err
    assert "each set is ranked by itself" in err
    _, out, err = run_cli(
        capsys, "compare", "--experiment", "Default", "--pareto", "rmse", "--columns", "name", "--format", "csv"
    )
    assert out.split() == ["name", "other"]
    assert "the front is that of set 1" in err
    _, out, err = run_cli(capsys, "metrics", "best", "rmse_mean", "--format", "csv")
    assert "53.0" in out
    assert "were scored on 2 different sets of data or splits" in err


def test_compare_groups_repeats(record: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    for alpha in (0.1, 0.5):
        for seed in (1, 2):
            record(f"{alpha} {seed}", {"alpha": alpha, "seed": seed, "cv": {"random_state": seed}})
    code, out, _ = run_cli(capsys, "compare", "--experiment", "Default", "--group-by", "!seed", "--format", "json")

    assert code == 0
    assert json.loads(out) == [
        {"alpha": "0.1", "runs": 2, "rmse_mean": 52.1, "rmse_mean ±": 0.0},
        {"alpha": "0.5", "runs": 2, "rmse_mean": 52.5, "rmse_mean ±": 0.0},
    ]
    _, out, _ = run_cli(capsys, "compare", "--filter", "params.seed = '1'", "--pareto", "rmse")
    assert "0.1 1" in out
    assert "0.5 1" not in out


def test_a_time_is_compared_by_its_mean_over_the_folds(
    record: Recorder, client: TrackingClient, capsys: pytest.CaptureFixture[str]
) -> None:
    for alpha, seconds in ((0, [1.0, 2.0, 9.0]), (1, [5.0, 5.0, 5.0])):
        run_id = record(f"ridge alpha={alpha}", {"alpha": alpha})
        for fold, value in enumerate(seconds):
            client.log_metric(run_id, "fit_seconds", value, step=fold)

    cli.main(["compare", "--sweep", "1f9a", "--columns", "name,fit_seconds", "--format", "csv"])
    assert capsys.readouterr().out.splitlines() == ["name,fit_seconds_mean", "ridge alpha=0,4.0", "ridge alpha=1,5.0"]
    cli.main(["compare", "--sweep", "1f9a", "--pareto", "rmse,fit_seconds", "--columns", "name", "--format", "csv"])
    assert capsys.readouterr().out.splitlines() == ["name", "ridge alpha=0"]
    cli.main(["effects", "--sweep", "1f9a", "--metric", "fit_seconds", "--format", "json"])
    assert json.loads(capsys.readouterr().out)[0]["change"] == 1.0


@pytest.mark.parametrize(
    ("choice", "counted"),
    [
        (["--experiment", "Default"], 1),
        (["--filter", "params.alpha >= 0"], 1),
        (["--filter", "tags.reproduces IS NULL OR tags.reproduces != ''"], 4),
        (["ridge alpha=0", "ridge alpha=1"], 1),
        (["--sweep", "again001"], 1),
    ],
)
def test_runs_that_reproduce_others_are_no_evidence_unless_asked_for(
    record: Recorder, capsys: pytest.CaptureFixture[str], choice: list[str], counted: int
) -> None:
    for alpha in (0, 1):
        first = record(f"ridge alpha={alpha}", {"alpha": alpha})
        record(f"ridge alpha={alpha}", {"alpha": alpha}, **{"reproduces": first, "sweep.id": "again001"})

    cli.main(["effects", *choice, "--format", "json"])

    printed = capsys.readouterr()
    assert json.loads(printed.out)[0]["pairs"] == counted
    left_out = "2 runs that reproduce others are left out" in printed.err
    assert left_out == (choice[0] in ("--experiment", "--filter") and counted == 1)

    cli.main(["compare", *choice, "--group-by", "alpha", "--format", "json"])
    assert [row["runs"] for row in json.loads(capsys.readouterr().out)] == [counted**0.5] * 2


def test_effects_say_what_each_key_does(record: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    for alpha in (0.1, 0.5):
        for seed in (1, 2):
            record(f"{alpha} {seed}", {"alpha": alpha, "seed": seed})
    code, out, _ = run_cli(capsys, "effects", "--sweep", "latest")

    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["What", "changes", "rmse_mean"]
    assert ["alpha", "0.1", "0.5", "+0.4", "±", "0", "2", "0", "of", "2"] in lines
    code, out, _ = run_cli(capsys, "effects", "--sweep", "latest", "--format", "json")
    assert json.loads(out)[0]["change"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare"], "Which runs?"),
        (["compare", "first", "--sweep", "latest"], "not both"),
        (["compare", "--filter", "params.alpha = '9'"], "No run is like that"),
        (["compare", "first", "--group-by", "alhpa"], "Nearest: alpha"),
        (["effects", "first", "--metric", "rmes"], "Nearest: rmse"),
        (["compare", "--sweep", "ffff"], "No sweep 'ffff'"),
    ],
)
def test_mistakes_are_one_message(
    record: Recorder, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    record("first", {"alpha": 0.1})
    code, out, err = run_cli(capsys, *arguments)

    assert (code, out) == (2, "")
    assert message in err


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("diff", "compare", "effects"):
        code, out, _ = run_cli(capsys, verb, "--help")
        assert code == 0
        assert f"python -m tracking {verb}" in out


# From Python -----------------------------------------------------------------------------------
def test_runs_are_compared_from_python_too(record: Recorder) -> None:
    first, second = record("first", {"alpha": 0.1}), record("second", {"alpha": 0.5})
    found = tracking.diff_runs(first, tracking.get_run(second))

    assert not found.is_same()
    assert found.is_same(["env"])
    assert "alpha  0.1 -> 0.5" in str(found)
    assert tracking.diff_runs("first", "latest", ignore=["alpha"]).config.same


def test_a_config_that_has_not_run_yet_is_compared_with_a_run(record: Recorder) -> None:
    run_id = record("first", {"alpha": 0.1, "seed": 1})
    found = tracking.preview_diff(
        run_id, {"alpha": 0.3, "seed": 1}, minimal=["alpha=0.3"], origins={"alpha": "command line"}
    )

    text = tracking.render_config(found)
    assert "alpha  0.1 -> 0.3  (unknown -> command line)" in text
    assert "python -m runner alpha=0.3" in text
    assert tracking.preview_diff(run_id, {"alpha": 0.1, "seed": 1}).same
    by_hand = record("by hand", {"alpha": 0.1}, files=False)
    assert tracking.preview_diff(by_hand, {"alpha": 0.1}).same


def test_what_compares_is_imported_only_by_those_who_compare() -> None:
    probe = "import sys, tracking; print('tracking.compare.run_diff' in sys.modules); tracking.diff_runs; print(sorted("
    probe += "set(sys.modules) & {'pandas', 'numpy', 'scipy', 'sklearn', 'hydra', 'omegaconf', 'rich'}))"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT)},
    )

    assert done.stdout.splitlines() == ["False", "[]"]


# Reading records -------------------------------------------------------------------------------
def test_a_record_holds_what_the_run_left_behind(record: Recorder, store: Store) -> None:
    run_id = record("first", {"alpha": 1e-3, "model": {"tol": None}})
    (found,) = load_records(store, [store.get_run(run_id)])

    assert found.config == {"alpha": 0.001, "model": {"tol": None}}
    assert found.request.minimal == (Override.parse("alpha=0.001"),)
    assert [metric.step for metric in found.histories["rmse"]] == [0, 1, 2, 3, 4]
    assert found.environment.packages == {"numpy": "2.1.0"}
    assert found.experiment == "Default"


def test_an_environment_file_is_read_line_by_line() -> None:
    found = parse_environment("# python: 3.11.7\n# blas: openblas: x\n#\nnumpy==2.1.0\n-e git+x\n\n")

    assert found.host == {"python": "3.11.7", "blas": "openblas: x"}
    assert found.packages == {"numpy": "2.1.0"}


SCALARS = """1e-3 1E5 +1e3 1.5 .5 -.5 1. 1_000.5 1_0 0x1f 010 1:30 1:30.5 .inf -.Inf .nan yes no on null
    2024-01-01 1e 1e+3 .5e3 .5e+3 -1 +1 1__0.5 1_e3 _1.0 text 12.e-3 0b11 1.2.3 e5 ~"""
yaml_scalars = st.sampled_from(SCALARS.split())


@pytest.mark.heavy
@settings(max_examples=200, deadline=None)
@given(yaml_scalars | st.floats().map(repr) | st.from_regex(r"[-+]?[0-9_.:eE+-]{1,8}", fullmatch=True))
def test_yaml_values_have_the_types_that_omegaconf_gives_them(text: str) -> None:
    def read(reader: Callable[[str], Any]) -> str:
        try:
            return repr(reader(f"key: {text}\n"))
        except Exception as error:  # what cannot be read may differ in its words, not in its fate
            return f"refused {isinstance(error, (ValueError, yaml.YAMLError))}"

    assert read(parse_yaml) == read(lambda source: OmegaConf.to_container(OmegaConf.create(source)))
