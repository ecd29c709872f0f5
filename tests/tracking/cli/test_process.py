"""`python -m tracking` as a process of its own: pipes, terminals, signals, and what it imports."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tracking.entities import LifecycleStage, Metric
from tracking.store.files import write_bytes
from tracking.store.process import current_process
from tracking.stores import open_store

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "tracking"]
ONLY_POSIX = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The environment of a process that finds a store of 60 runs, one of them deleted."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('runs')}/tracking.db"
    store = open_store(uri)
    for number in range(60):
        run_id = f"{number:04x}f00d"
        store.create_run(
            "0",
            run_id=run_id,
            run_name=f"a rather long name of a run, number {number}",
            user_id="ada",
            start_time=1_700_000_000_000 + number,
            process=current_process(),
            tags={},
        )
        store.log_batch(run_id, metrics=[Metric("rmse", 50.0 + number, 0)], params={"alpha": str(number)})
        store.update_run(run_id, status="FINISHED" if number else "FAILED", end_time=1_700_000_000_500)
    folder = str(store.artifact_dir("0000f00d"))
    write_bytes(folder, "notes.txt", b"one\n\ttwo \x1b[2J\n")
    write_bytes(folder, "model.joblib", b"\x00\x01")
    store.update_run("003bf00d", lifecycle_stage=LifecycleStage.DELETED)
    store.close()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    return kept | {"TRACKING_URI": uri, "PYTHONPATH": str(ROOT), "TERM": "xterm", "LINES": "40"}


def start(arguments, environment, *, program=COMMAND, stdout=subprocess.PIPE):
    """Run a command with pipes on its output."""
    return subprocess.run(
        [*program, *arguments], check=False, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True
    )


def on_a_terminal(arguments, environment, *, answer=None, signal_number=None):
    """Run the command with a pseudo-terminal on all its streams; return exit code and output.

    Once `[y/N]` is on the screen the answer is typed, or the signal sent.
    """
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    seen = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError as ended:  # how Linux says that the other side is closed
            if ended.errno != errno.EIO:
                raise
            part = b""
        if not part:
            break
        seen += part
        if b"[y/N]" in seen and answer is not None:
            os.write(master, answer)
            answer = None
        if b"[y/N]" in seen and signal_number is not None:
            process.send_signal(signal_number)
            signal_number = None
    os.close(master)
    return process.wait(timeout=30), seen.decode().replace("\r\n", "\n")


def test_piped_output_is_plain_and_whole(environment):
    done = start(
        ["runs", "--limit", "0"],
        environment | {"COLUMNS": "40"},
    )

    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "…" not in done.stdout
    assert "a rather long name of a run, number 7 " in done.stdout
    assert len(done.stdout.splitlines()) == 61


def test_a_mistake_is_one_line_and_exit_code_2(environment):
    done = start(["show", "nobody"], environment)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("No run 'nobody'. Nearest: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["runs", "--limit", "0", "--format", "json"], ["--help"]])
def test_a_reader_who_leaves_early_is_no_error(arguments, environment):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = start(arguments, environment, stdout=pipe)

    assert done.stderr == ""
    assert done.returncode != 2


@ONLY_POSIX
def test_on_a_terminal_a_table_fits_and_is_coloured(environment):
    code, output = on_a_terminal(["runs", "--limit", "0"], environment | {"COLUMNS": "60"})

    assert code == 0
    assert "\x1b[32mFINISHED" in output
    plain = output.replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "\x1b" not in plain
    assert "…" in plain
    assert max(map(len, plain.splitlines())) <= 60


@ONLY_POSIX
@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour_gets_none(variable, environment):
    code, output = on_a_terminal(["runs"], environment | variable)

    assert code == 0
    assert "FINISHED" in output
    assert "\x1b" not in output


@ONLY_POSIX
def test_a_file_printed_on_a_terminal_cannot_command_it(environment):
    code, output = on_a_terminal(["artifacts", "0000f00d", "notes.txt"], environment)

    assert (code, output) == (0, "one\n        two \\x1b[2J\n")


@ONLY_POSIX
def test_a_binary_file_is_not_printed_on_a_terminal(environment):
    code, output = on_a_terminal(["artifacts", "0000f00d", "model.joblib"], environment)

    assert code == 2
    assert "model.joblib is binary (2 B). Copy it: --copy-to DIR" in output


@ONLY_POSIX
def test_gc_asks_on_a_terminal_and_takes_no_for_an_answer(environment):
    code, output = on_a_terminal(["gc"], environment, answer=b"n\n")

    assert "Remove 1 deleted run with 0 B of files for good? [y/N]" in output
    assert "Nothing was removed." in output
    assert code == 1


@ONLY_POSIX
def test_ctrl_c_is_exit_code_130_without_a_traceback(environment):
    code, output = on_a_terminal(["gc"], environment, signal_number=signal.SIGINT)

    assert code == 130
    assert "Traceback" not in output


def test_listing_runs_loads_nothing_heavy(environment):
    script = (
        "import sys; from tracking.cli.app import main; assert main(['runs']) == 0; "
        "heavy = {'pandas', 'numpy', 'rich', 'sklearn', 'matplotlib', 'yaml'} & set(sys.modules); "
        "print(sorted(heavy), file=sys.stderr)"
    )

    done = start(["-c", script], environment, program=[sys.executable])

    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_one_message(environment):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "show", "latest"], stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "No space left" in done.stderr


@ONLY_POSIX
def test_a_sweep_that_has_ended_is_watched_once(tmp_path):
    uri = f"sqlite:///{tmp_path}/tracking.db"
    store = open_store(uri)
    tags = {"sweep.id": "1f9a0b2c", "sweep.point": "0", "sweep.points": "1"}
    process = current_process()
    store.create_run("0", run_id="f00d", run_name="one", user_id="ada", start_time=1, process=process, tags=tags)
    store.update_run("f00d", status="FINISHED", end_time=2)
    store.close()

    code, output = on_a_terminal(["sweeps", "--watch"], dict(os.environ) | {"TRACKING_URI": uri, "TERM": "xterm"})

    assert code == 0
    assert "points  1: 1 done" in output
