"""The command line: plugin path, hydra.main, one message for a mistake, exit code. `runner.__main__` starts it."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from runner.errors import ConfigError, Interrupted, PointFailed, RunnerError
from runner.report.console import GONE, end_quietly, say
from tracking.records.names import SWEEP_COMMAND, SWEEP_ID, SWEEP_POINT, SWEEP_POINTS

if TYPE_CHECKING:
    from omegaconf import DictConfig


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m runner`; return the exit code.

    0, 1 a point failed, 2 a mistake, 130 Ctrl-C, 141 nobody reads what was asked for, 143 SIGTERM.
    """
    return end_quietly(_run_explained(list(sys.argv[1:] if arguments is None else arguments)))


def _run_explained(typed: Sequence[str]) -> int:
    debugging = "HYDRA_FULL_ERROR" in os.environ
    with _noticed_interrupt() as noticed:
        try:
            return _run(typed)
        except KeyboardInterrupt:
            noticed.set()
        except BrokenPipeError:  # of Hydra's own answers; a run goes on to its end without a reader
            return GONE
        except Exception as error:
            if not noticed.is_set():
                message = _explain(error, typed)
                if debugging or message is None:
                    raise
                say(f"error: {message}")
                return error.exit_code if isinstance(error, RunnerError) else 2
        say("interrupted")
        return Interrupted.exit_code


@contextmanager
def _noticed_interrupt() -> Iterator[threading.Event]:
    """Remember Ctrl-C: whoever catches it on its way may raise something else, and that is no mistake of a person."""
    noticed = threading.Event()

    def interrupt(number: int, frame: object) -> None:
        noticed.set()
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield noticed  # somebody else decides what Ctrl-C does
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield noticed
    finally:
        signal.signal(signal.SIGINT, before)


def _run(typed: Sequence[str]) -> int:
    from runner.engine.processes import asks_for_workers, start_server

    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # a person's own estimators, for the installed script too
    if asks_for_workers(typed):
        start_server()
    return _run_hydra(typed)


def _run_hydra(typed: Sequence[str]) -> int:
    import hydra

    from runner.compose.arguments import for_hydra
    from runner.compose.command import SWEEP_VARIABLE, check_main_file, command_line, in_project, remember
    from runner.compose.folder import config_folder
    from runner.compose.session import prepare_hydra, version_base

    prepare_hydra()
    remember(typed)
    arguments = for_hydra(in_project(typed))
    check_main_file(arguments)
    before = list(sys.argv)
    sys.argv[:] = ["runner", *arguments]  # the name that runs are recorded under, as their source
    # For the jobs of other sweepers and launchers, in any process; our own name their sweep themselves.
    sweep = {SWEEP_ID: secrets.token_hex(4), SWEEP_COMMAND: command_line()}
    os.environ[SWEEP_VARIABLE] = json.dumps(sweep)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra would print its own traceback and exit with 1
    try:
        with _answering(arguments), _without_litter(arguments):
            hydra.main(config_path=str(config_folder()), config_name="config", **version_base())(run_point)()
        if _failure:
            raise _failure.pop()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(bool(ending.code))
    finally:
        for variable in ("HYDRA_FULL_ERROR", SWEEP_VARIABLE):  # an estimator may have cleared the environment
            os.environ.pop(variable, None)
        sys.argv[:] = before
    return 0


@contextmanager
def _answering(arguments: Sequence[str]) -> Iterator[None]:
    """Turn what `--cfg` says of a package that is not there into a message of ours."""
    if "--cfg" not in arguments:
        yield
        return
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            yield
    except SystemExit as ending:
        if ending.code == 1 and (match := re.search(r"package '(.+)' not found", said.getvalue())):
            raise ConfigError(
                f"--package {match[1]}: the config has no such section. See them all: --cfg job, --cfg hydra"
            ) from None
        raise


@contextmanager
def _without_litter(arguments: Sequence[str]) -> Iterator[None]:
    """Remove what Hydra leaves: `multirun.yaml`, an empty `hydra.run.dir`. Name the file that Optuna wrote.

    The record says what was asked, and nothing of ours is in that folder.
    """
    asked = [Path(argument.partition("=")[2]) for argument in arguments if argument.startswith("hydra.run.dir=")]
    made = [folder for folder in asked if not folder.exists()]
    litter, findings = Path("multirun.yaml"), Path("optimization_results.yaml")
    before, known = litter.exists(), findings.stat().st_mtime_ns if findings.exists() else None
    try:
        yield
    finally:
        if not before:
            litter.unlink(missing_ok=True)
        for folder in made:
            with suppress(OSError):  # something is in it, or it was never made
                folder.rmdir()
        if findings.exists() and findings.stat().st_mtime_ns != known:
            say(f"note: the sweeper wrote what it found to {findings}")


def run_point(config: DictConfig) -> float | None:
    """Run the one point of a composed config, as Hydra's task; return the objective."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if HydraConfig.get().mode == RunMode.MULTIRUN:  # a job of another launcher, which wants to know
        return _run_task()
    try:
        return _run_task()
    except (Exception, SystemExit) as error:
        _failure[:] = [error]  # raised later: Hydra would write a line of its own above our message
        return None


def _run_task() -> float | None:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from runner.compose.command import SWEEP_VARIABLE, as_typed, check_other_sweeper, command_line, composer_for
    from runner.flow import execute
    from runner.invocation import Invocation

    hydra = HydraConfig.get()
    tags = None
    if hydra.mode == RunMode.MULTIRUN:
        tags = json.loads(os.environ.get(SWEEP_VARIABLE, "{}")) | {SWEEP_POINT: str(hydra.job.num)}
    invocation = Invocation(as_typed(hydra.overrides.task), command_line(), sweeps=False, sweep_tags=tags)
    config = cast("DictConfig", HydraConfig.instance().cfg)
    composer = composer_for(config)
    if tags is not None and SWEEP_POINTS not in tags:  # our own sweeper says how many there are
        check_other_sweeper(config, composer, invocation.overrides)
    result = execute(invocation, composer)
    if hydra.mode != RunMode.MULTIRUN and result.exit_code:
        raise SystemExit(result.exit_code)
    if result.results.failed:
        raise PointFailed(str(result.results.failures[0].error))
    return result.results.best[0].objective if result.results.best else None


def _explain(error: Exception, typed: Sequence[str]) -> str | None:
    """Return one message for an error of ours, of Hydra, OmegaConf or tracking; None for a mistake of our own."""
    if isinstance(error, RunnerError):
        return str(error)
    from runner.compose.command import asker_of, in_project, known_keys, owners_of
    from runner.compose.explain import Known, explain, is_foreign
    from tracking import TrackingError

    if isinstance(error, TrackingError):
        return str(error)
    if is_foreign(error):
        typed = in_project(typed)
        known = Known(partial(known_keys, typed), partial(owners_of, typed), partial(asker_of, typed))
        return explain(error, known=known)
    return None


_failure: list[BaseException] = []
