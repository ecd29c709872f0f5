"""The end of a sweep: the table, what failed, what raised warnings, and commands that can be pasted."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import runner
import tracking
from runner.__main__ import main
from runner.errors import PointFailed
from runner.planning.plan import Planned
from runner.report.commands import resume_command, tracking_command
from runner.report.results import Results
from runner.report.summary import Ending, render_ending, render_plan, render_results
from runner.trial.outcome import Outcome
from runner.trial.spec import Spec

ROOT = Path(__file__).resolve().parents[3]
DEFAULT = "sqlite:///runs/tracking.db"
SWEEP = "python -m runner -m alpha=1,2"

ODD = """
import warnings

from sklearn.linear_model import Ridge


class Odd(Ridge):
    def fit(self, X, y):
        if self.alpha >= 2:
            raise ValueError("unlucky")
        if self.alpha < 1:
            warnings.warn("that is little")
        return super().fit(X, y)
"""


def outcome(number: int, status: str = "FINISHED", **changes: Any) -> Outcome:
    point = Outcome(number, f"ridge alpha={number}", "ridge", f"{number:x}" * 32, status, 0.1, metric="rmse")
    if status == "FINISHED":
        point = replace(point, metrics={"rmse_mean": 54.0 + number, "rmse_std": 2.125})
    else:
        point = replace(point, error="interrupted" if status == "KILLED" else "ValueError: no")
    return replace(point, varied={"model": "ridge", "alpha": str(number)}, **changes)


def spec(number: int) -> Spec:
    return Spec(number, f"elasticnet alpha={number}", "elasticnet", {}, (), (), (), {}, {})


def results_of(*outcomes: Outcome) -> Results:
    results = Results()
    for one in outcomes:
        results.take(one)
    return results


def ending_of(results: Results, total: int, **changes: Any) -> list[str]:
    return render_ending(results, replace(Ending(total, 2.5, DEFAULT, SWEEP), **changes))


# -- the table


@pytest.mark.parametrize(
    ("width", "columns", "below"),
    [
        (None, "model alpha rmse +- run id took", ""),
        (60, "model alpha rmse +- run id took", ""),
        (52, "model alpha rmse +- id took", "(+1 more: run)"),
        (40, "model alpha rmse +- id", "(+2 more: run, took)"),
        (34, "model alpha rmse id", "(+3 more: +-, run, took)"),
        (20, "rmse id", "(+5 more: model, al…"),
    ],
)
def test_on_a_narrow_terminal_the_name_goes_first_and_objective_and_id_stay(
    width: int | None, columns: str, below: str
) -> None:
    table = render_results(results_of(outcome(1), outcome(2)), ["alpha", "model"], width=width).splitlines()

    assert table[0].split() == columns.split()
    assert table[4:] == [below] * bool(below)
    assert all(len(line) <= (width or 200) for line in table)
    assert "11111111" in table[2]


def test_a_long_name_is_cut_before_anything_is_left_out() -> None:
    results = results_of(outcome(1, name="ridge " + "x" * 60), outcome(2))

    lines = render_results(results, ["alpha"], width=60).splitlines()

    assert lines[0].split() == ["alpha", "rmse", "+-", "run", "id", "took"]
    assert "…" in lines[2]


def test_a_dry_run_keeps_the_names_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    points = [Planned(spec(number), "done", "", None) for number in range(2)]

    lines = render_plan(points, resume=False, jobs=1, width=40)[0].splitlines()

    assert lines[0].split() == ["point", "run", "state"]
    assert lines[2:] == ["    0  elasticnet alpha=0  done", "    1  elasticnet alpha=1  done", "(+1 more: experiment)"]


# -- the lines under it


def test_after_an_interrupt_the_same_command_runs_what_is_missing() -> None:
    results = results_of(outcome(1), outcome(2, "KILLED"), outcome(3, "FAILED"))

    assert ending_of(results, 20, interrupted=True) == [
        "Failed:",
        "  33333333  ridge alpha=3: ValueError: no",
        "Ended early:",
        "  22222222  ridge alpha=2: interrupted",
        "Interrupted: 1 finished, 1 failed, 1 ended early, 17 not run in 2.5s.",
        "  python -m tracking show 22222222",
        "  python -m runner -m alpha=1,2 resume=true",
    ]


def test_when_nothing_was_run_there_is_nothing_to_show() -> None:
    assert ending_of(results_of(), 20, interrupted=True) == [
        "Interrupted: 20 not run in 2.5s.",
        "  python -m runner -m alpha=1,2 resume=true",
    ]


def test_a_single_run_that_failed_is_not_offered_again() -> None:
    assert ending_of(results_of(outcome(1, "FAILED")), 1, command=None) == [
        "1 failed in 2.5s.",
        "  python -m tracking show 11111111",
    ]


def test_a_sweep_that_fail_fast_ended_says_so() -> None:
    lines = ending_of(results_of(outcome(1, "FAILED")), 3, stopped=True)

    assert "Stopped by fail_fast: 1 failed, 2 not run in 2.5s." in lines


def test_a_command_of_a_sweep_that_was_resumed_stays_as_it_is() -> None:
    assert resume_command(f"{SWEEP} resume=true") == f"{SWEEP} resume=true"


@pytest.mark.parametrize(("warned", "line"), [(1, "1 run raised a warning: "), (3, "3 runs raised warnings, e.g. ")])
def test_warnings_of_the_fits_are_one_line(warned: int, line: str) -> None:
    results = results_of(*[outcome(number, warning="ConvergenceWarning: no end") for number in range(1, warned + 1)])

    assert ending_of(results, warned)[0] == f"{line}ConvergenceWarning: no end (python -m tracking show 11111111)"


# -- commands


def test_a_command_names_the_store_only_where_the_program_would_open_another(monkeypatch: pytest.MonkeyPatch) -> None:
    other = f"sqlite:///{os.getcwd()}/a b.db"

    assert tracking_command("runs", store=DEFAULT) == "python -m tracking runs"
    assert tracking_command("runs", store=f"sqlite:///{os.getcwd()}/runs/tracking.db") == "python -m tracking runs"
    assert tracking_command("runs", store=other) == f"python -m tracking runs --store '{other}'"
    tracking.set_tracking_uri(other)  # of this process, which ends before the command is typed
    assert tracking_command("runs", store=other) == f"python -m tracking runs --store '{other}'"
    tracking.set_tracking_uri(None)
    monkeypatch.setenv("TRACKING_URI", other)
    assert tracking_command("runs", store=other) == "python -m tracking runs"
    assert tracking_command("runs", store=DEFAULT) == f"python -m tracking runs --store {DEFAULT}"


@pytest.mark.heavy
@pytest.mark.parametrize("command", ["alpha=1", "-m alpha=1,0.5", "-m model._target_=odd.Odd alpha=0.5,2"])
def test_every_command_that_is_printed_can_be_pasted(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("odd.py").write_text(ODD)
    main([*shlex.split(command), "tracking.uri=sqlite:///other.db", "+tags.note='it is $5'"])

    printed = [line.strip() for line in capfd.readouterr().out.splitlines() if line.startswith("  python -m ")]

    assert len(printed) == 2
    for line in printed:
        done = subprocess.run(
            line.replace("python", shlex.quote(sys.executable), 1),
            shell=True,
            env={key: value for key, value in os.environ.items() if "TRACKING" not in key} | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in ((1,) if "resume=true" in line else (0, 1)), done.stderr  # 1: a diff differs
        assert not done.stderr or "resume=true" in line
    assert not Path("runs").exists()


def test_an_error_of_python_names_the_store_too() -> None:
    Path("odd.py").write_text(ODD)
    sys.path.insert(0, os.getcwd())

    with pytest.raises(PointFailed, match=r"See: python -m tracking show \w{8} --store sqlite:///other.db$"):
        runner.run(["model._target_=odd.Odd", "alpha=2"], store="sqlite:///other.db")


# -- as a process


@pytest.mark.heavy
def test_a_sweep_over_experiments_shows_the_model_that_each_chose(capsys: pytest.CaptureFixture[str]) -> None:
    for name, model, alpha in (("first", "lasso", 0.5), ("second", "ridge", 0.25)):
        Path("mine/experiment").mkdir(parents=True, exist_ok=True)
        Path(f"mine/experiment/{name}.yaml").write_text(
            f"# @package _global_\ndefaults: [override /model: {model}]\nalpha: {alpha}\n"
            + ("sweep:\n  - alpha: [0.1, 0.2]\n" if name == "first" else "sweep:\n  - model: [ridge, huber]\n")
        )

    assert main(shlex.split("-m --config-dir mine experiment=first,second")) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["experiment", "model", "alpha"]
    assert {tuple(line.split()[:3]) for line in lines[2:6]} == {
        ("first", "lasso", "0.1"),
        ("first", "lasso", "0.2"),
        ("second", "ridge", "0.25"),
        ("second", "huber", "0.25"),
    }


@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_with_workers_says_so_and_lists_what_was_running(
    tmp_path: Path, start_runner: Callable[..., Any], number: int
) -> None:
    started = start_runner(tmp_path, "-m", "model._target_=estimators.Waits", "alpha=0.3,0.4,0.5,0.6", "n_jobs=2")
    started.read_until("waiting")
    started.send(number)
    _, out, _ = started.end()

    assert "Interrupted: " in out
    assert "Ended early:\n" in out
    assert "ridge alpha=0.3: interrupted" in out or "ridge alpha=0.4: interrupted" in out
    assert out.endswith(" -m model._target_=estimators.Waits alpha=0.3,0.4,0.5,0.6 n_jobs=2 resume=true\n")


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_result_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "runner", "alpha=1"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: The result cannot be written: No space left on device. What ran is recorded."
        " See: python -m tracking runs"
    )
    assert "Traceback" not in done.stderr


@pytest.mark.heavy
def test_a_reader_who_leaves_early_gets_no_message(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "runner", "alpha=1"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)

    assert done.returncode == 0
    assert done.stderr == "1/1  ridge alpha=1  rmse 58.564\n"


@pytest.mark.heavy
def test_the_line_under_the_table_says_what_the_spread_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-m", "model=ridge", "alpha=0.1,1", "refit=false", "n_jobs=1"]) == 0

    out = capsys.readouterr().out
    best = min(tracking.get_run(f"latest~{back}").data.metrics["rmse_mean"] for back in (0, 1))
    [run] = [r for r in map(tracking.get_run, ("latest", "latest~1")) if r.data.metrics["rmse_mean"] == best]
    history = tracking.TrackingClient().get_metric_history(run.info.run_id, "rmse")

    assert "+-: standard deviation over the folds, with their number as the divisor" in out
    values = [point.value for point in history]
    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    assert run.data.metrics["rmse_std"] == pytest.approx(spread, rel=1e-9)
    assert f"{spread:.4f}"[:6] in out


@pytest.mark.parametrize(
    ("asked", "named"), [("cv.n_splits=2,3", "cv.n_splits"), ("seed=1,2", "seed"), ("alpha=1,2", "")]
)
def test_a_sweep_over_data_or_splits_says_that_its_scores_do_not_rank_its_points(
    asked: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from runner.cli import main

    assert main(["-m", asked, "refit=false", "progress=false", "n_jobs=1"]) == 0

    said = f"The points differ in {named}, and so were scored on different data or splits: their scores do not rank"
    assert (said in capsys.readouterr().out) == bool(named)
