"""No secret gets into a store: every byte of it is searched for what was planted, after runs of every end."""

from __future__ import annotations

import base64
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import tracking
from runner.provenance.capture import forget

SECRET = "hunter2/planted & p@ss'word"
PLAIN = "open-sesame-4711"

LOADERS = """
import logging, warnings
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

SECRET = {secret!r}


def load(password=None, url=None, broken=False, **more):
    assert password in (None, SECRET) and url in (None, f"postgres://me:{{SECRET}}@host/db")
    return load_diabetes(return_X_y=True)


class Talks(Ridge):
    def __init__(
        self, alpha=1.0, fit_intercept=True, solver="auto", random_state=None, password=None, options=None, url=None,
        fails=False,
    ):
        super().__init__(alpha, fit_intercept=fit_intercept, solver=solver, random_state=random_state)
        self.password, self.options, self.url, self.fails = password, options, url, fails

    def fit(self, X, y):
        print("in with", self.password, repr(self.options), self.url)
        warnings.warn(f"I know {{self.password}}")
        logging.getLogger("mine").warning("and %s", self.password)
        if self.fails:
            raise ValueError(f"could not log in as me:{{self.password}} {{self.options}} at {{self.url}}")
        return super().fit(X, y)
"""


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Give a function that runs a command in this process, with a secret in its environment."""
    (tmp_path / "talks.py").write_text(LOADERS.format(secret=SECRET))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PLANTED", SECRET)
    sys.modules.pop("talks", None)

    def run(module: str, *arguments: str) -> Done:
        forget()
        code = importlib.import_module(module).main(arguments)
        return Done(code, *capfd.readouterr())

    return run


Program = Callable[..., Done]


def assert_nowhere(*secrets: str) -> None:
    forms = [
        form.encode()
        for secret in secrets
        for form in (secret, repr(secret)[1:-1], secret.replace("&", "%26"), secret.split()[-1], secret.split()[0])
    ]
    forms += [base64.b64encode(secret.encode()).rstrip(b"=") for secret in secrets]
    files = [path for path in Path("runs").rglob("*") if path.is_file()]
    assert any(path.name == "tracking.db" for path in files)
    for path in files:
        content = path.read_bytes()
        assert not [form for form in forms if form in content], path


def runs() -> list[tracking.Run]:
    client = tracking.TrackingClient("sqlite:///runs/tracking.db")
    return list(client.search_runs([experiment.experiment_id for experiment in client.search_experiments()]))


def latest() -> tracking.Run:
    return runs()[0]


FROM_ENVIRONMENT = (
    "model._target_=talks.Talks",
    "+model.password='${oc.env:PLANTED}'",
    "+model.options={word: '${oc.env:PLANTED}', n: 3}",
    "+model.url='postgres://me:${oc.env:PLANTED}@host/db'",
    "+tags.who='${oc.env:PLANTED}'",
    "data=callable",
    "data.function=talks.load",
    "data.kwargs={url: 'postgres://me:${oc.env:PLANTED}@host/db', password: '${oc.env:PLANTED}'}",
)
TYPED = (
    "model._target_=talks.Talks",
    f"+model.password={PLAIN}",
    f"+model.options={{api_key: {PLAIN}, max_tokens: 5}}",
    f"+model.url=postgres://me:{PLAIN}@host/db",
    f"+tags.token={PLAIN}",
)


@pytest.mark.heavy
@pytest.mark.parametrize("asked", [FROM_ENVIRONMENT, TYPED])
@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_no_byte_of_a_store_has_a_secret_after_runs_that_finished_and_that_failed(
    program: Program, asked: tuple[str, ...], backend: str
) -> None:
    done = program("runner.cli", "-m", *asked, "+model.fails=true,false", "n_jobs=2", f"backend={backend}")

    assert done.code == 1, done.err
    assert_nowhere(SECRET, PLAIN)
    assert SECRET not in done.out + done.err
    assert PLAIN not in done.out + done.err
    finished, failed = sorted(runs(), key=lambda run: run.info.status, reverse=True)
    logs = [tracking.artifacts.load_text(f"runs:/{run.info.run_id}/run.log") for run in (finished, failed)]
    assert all("in with" in log and "I know" in log for log in logs)
    assert "the model is not recorded" in logs[0]
    assert "could not log in" in failed.data.tags["error"]


@pytest.mark.heavy
def test_expressions_are_what_is_recorded(program: Program) -> None:
    assert program("runner.cli", *FROM_ENVIRONMENT).code == 0

    run = latest()
    assert run.data.params["model.password"] == "${oc.env:PLANTED}"
    assert run.data.params["model.url"] == "postgres://me:${oc.env:PLANTED}@host/db"
    assert run.data.params["model.options.n"] == "3"
    assert run.data.tags["who"] == "${oc.env:PLANTED}"


@pytest.mark.heavy
def test_a_value_that_comes_by_other_keys_is_recorded_as_where_it_comes_from(program: Program) -> None:
    Path("c/model").mkdir(parents=True)
    Path("c/model/mine.yaml").write_text(
        "# @package _global_\nlogin: ${oc.env:PLANTED}\nuser: me\nalpha: 1.0\nmodel:\n  _target_: talks.Talks\n"
        "  alpha: ${alpha}\n  password: ${login}\n  url: postgres://${user}:${login}@host/db\n"
    )
    done = program("runner.cli", "--config-dir", "c", "model=mine")

    assert done.code == 0, done.err
    assert_nowhere(SECRET)
    assert latest().data.params["model.url"] == "postgres://me:${oc.env:PLANTED}@host/db"
    assert latest().data.params["model.password"] == "${oc.env:PLANTED}"


@pytest.mark.heavy
def test_a_sweep_in_a_file_hides_what_it_takes_from_the_environment(program: Program) -> None:
    Path("c/experiment").mkdir(parents=True)
    Path("c/experiment/mine.yaml").write_text(
        "# @package _global_\nmodel:\n  _target_: talks.Talks\n  password: null\n"
        "sweep:\n  - model.password: ['${oc.env:PLANTED}', other]\n"
    )
    done = program("runner.cli", "-m", "--config-dir", "c", "experiment=mine")

    assert done.code == 0, done.err
    assert_nowhere(SECRET)


@pytest.mark.heavy
def test_a_number_from_the_environment_is_a_number_of_the_run_and_part_of_its_identity(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("seed='${oc.decode:${oc.env:SEED}}'", "resume=true")
    for seed in ("1", "2"):
        monkeypatch.setenv("SEED", seed)
        assert program("runner.cli", *asked).code == 0

    assert latest().data.params["seed"] == "2"


@pytest.mark.heavy
def test_a_secret_that_changes_is_the_same_experiment(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("data=callable", "data.function=talks.load", "data.kwargs.note='${oc.env:NOTE}'", "resume=true")
    for note in ("first-secret", "other-secret"):
        monkeypatch.setenv("NOTE", note)
        assert program("runner.cli", *asked).code == 0

    assert len(runs()) == 1


@pytest.mark.heavy
def test_resume_says_that_it_does_not_see_whether_a_hidden_value_changed(program: Program) -> None:
    program("runner.cli", *FROM_ENVIRONMENT)

    done = program("runner.cli", *FROM_ENVIRONMENT, "resume=true")

    assert "note: model.password is ${oc.env:PLANTED} in the record: that its value is another one now" in done.err
    assert "data.kwargs" not in done.err
    assert len(runs()) == 1


@pytest.mark.heavy
def test_reproduce_resolves_again_what_was_hidden(program: Program) -> None:
    program("runner.cli", *FROM_ENVIRONMENT)

    done = program("runner.reproducing.command", "latest")

    assert done.code == 0, done.out + done.err
    assert_nowhere(SECRET)


@pytest.mark.heavy
def test_reproduce_names_the_variable_that_is_missing(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("runner.cli", *FROM_ENVIRONMENT)
    monkeypatch.delenv("PLANTED")

    done = program("runner.reproducing.command", "latest")

    assert done.code == 2
    assert "set the environment variable PLANTED" in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.heavy
def test_reproduce_says_that_a_secret_was_left_out(program: Program) -> None:
    program("runner.cli", *TYPED)

    for changes in ((), ("alpha=0.5",)):
        done = program("runner.reproducing.command", "latest", *changes)

        assert done.code == 2, done.out
        assert "model.password is not in its record" in done.err


@pytest.mark.heavy
def test_a_changed_run_starts_from_what_was_hidden(program: Program) -> None:
    program("runner.cli", *FROM_ENVIRONMENT)

    done = program("runner.reproducing.command", "latest", "alpha=0.5")

    assert done.code == 0, done.err
    assert_nowhere(SECRET)
    assert latest().data.params["model.password"] == "${oc.env:PLANTED}"


@pytest.mark.heavy
def test_a_preview_shows_expressions(program: Program) -> None:
    program("runner.cli", *FROM_ENVIRONMENT)

    done = program("runner.cli", *FROM_ENVIRONMENT, "alpha=0.5", "diff=latest")

    assert done.code == 0, done.err
    assert SECRET not in done.out
    assert "config  2 of" in done.out  # alpha, and model.alpha that follows it


@pytest.mark.heavy
def test_from_python_nothing_is_recorded_either(program: Program) -> None:
    import runner

    runner.sweep([*FROM_ENVIRONMENT, "alpha=0.1,0.2"], store="sqlite:///runs/tracking.db")

    assert_nowhere(SECRET)


@pytest.mark.heavy
def test_messages_leave_out_what_looks_like_a_secret(program: Program) -> None:
    done = program("runner.cli", "data=csv", f"data.path=https://me:{PLAIN}@127.0.0.1:9/x.csv", "data.target=y")

    assert done.code == 2
    assert PLAIN not in done.err
    assert "https://***@127.0.0.1:9/x.csv" in done.err


@pytest.mark.heavy
def test_files_of_a_store_keep_to_the_umask_of_the_person(program: Program) -> None:
    before = os.umask(0o077)
    try:
        assert program("runner.cli", *FROM_ENVIRONMENT).code == 0
    finally:
        os.umask(before)

    modes = {path: path.stat().st_mode & 0o077 for path in [Path("runs"), *Path("runs").rglob("*")]}
    assert not any(modes.values()), modes
