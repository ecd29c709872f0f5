"""What an estimator prints goes to its point's log, side by side in threads too, and stdout is given back."""

from __future__ import annotations

import io
import logging
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import runner
import tracking
from runner.trial.runlog import RunLog


def test_a_block_that_prints_and_logs_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    log = RunLog()

    with log.capturing():
        print("printed")
        logging.getLogger("mine").warning("logged")
    print("after")

    assert log.text() == "printed\nWARNING mine: logged\n"
    assert capsys.readouterr().out == "after\n"


@pytest.mark.parametrize("first_to_leave", [0, 1])
def test_two_threads_side_by_side_keep_apart_what_they_print_and_warn_of(
    first_to_leave: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before, filters = sys.stdout, list(warnings.filters)
    logs, leave = [RunLog(), RunLog()], [threading.Event(), threading.Event()]
    inside = threading.Barrier(3)

    def work(number: int) -> None:
        with logs[number].capturing():
            inside.wait()
            print(f"from {number}")
            logging.getLogger().warning("logged by %s", number)
            for _ in range(2):
                warnings.warn(f"of {number}", UserWarning, stacklevel=1)
            leave[number].wait()

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    inside.wait()
    print("from outside")
    for number in (first_to_leave, 1 - first_to_leave):
        leave[number].set()
        threads[number].join()

    assert sys.stdout is before
    assert warnings.filters == filters
    assert [log.warnings() for log in logs] == [["UserWarning: of 0"], ["UserWarning: of 1"]]
    assert [log.text() for log in logs] == [f"from {n}\nWARNING root: logged by {n}\n" for n in (0, 1)]
    assert capsys.readouterr().out == "from outside\n"


class _Leaves(logging.Handler):
    """Lets another point end while a record is on its way to the handlers."""

    def __init__(self, leave: Callable[[], None]) -> None:
        super().__init__()
        self.emit = lambda record: leave()  # type: ignore[method-assign]


def test_a_record_is_not_lost_when_another_point_ends_meanwhile() -> None:
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with RunLog().capturing():
            inside.set()
            leave.wait()

    other = threading.Thread(target=work)
    other.start()
    inside.wait()
    handler = _Leaves(lambda: (leave.set(), other.join())[0])
    logging.getLogger().addHandler(handler)
    log = RunLog()
    with log.capturing():
        logging.getLogger("mine").warning("logged")

    assert log.text() == "WARNING mine: logged\n"


def test_what_threads_of_the_only_estimator_print_is_its_own() -> None:
    log = RunLog()

    with log.capturing():
        thread = threading.Thread(target=print, args=("from its thread",))
        thread.start()
        thread.join()

    assert log.text() == "from its thread\n"


def test_what_a_caller_redirected_is_its_own_afterwards() -> None:
    log, theirs, before = RunLog(), io.StringIO(), sys.stdout

    with redirect_stdout(theirs):
        with log.capturing(), redirect_stdout(io.StringIO()) as inner:
            print("inner")
        print("after")

    assert (inner.getvalue(), log.text(), theirs.getvalue()) == ("inner\n", "", "after\n")
    assert sys.stdout is before


LOUD = """
from sklearn.linear_model import Ridge

class Loud(Ridge):
    def fit(self, X, y):
        print(f"fitting {self.alpha}")
        return super().fit(X, y)
"""


def test_points_in_threads_print_into_their_own_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "loud.py").write_text(LOUD)
    before = sys.stdout

    runs = runner.sweep(["model._target_=loud.Loud", "alpha=1,2,3,4", "backend=threading", "n_jobs=2", "refit=false"])

    assert sys.stdout is before
    assert capsys.readouterr().out == ""
    for run, alpha in zip(runs, "1234", strict=True):
        text = (tracking.TrackingClient().artifact_dir(run.info.run_id) / "run.log").read_text()
        assert [line for line in text.splitlines() if line.startswith("fitting")] == [f"fitting {alpha}"] * 5
