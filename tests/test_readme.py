"""Every command, config and script of the README runs as it stands, in its order, in one empty folder."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|yaml|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
OWN_CONFIGS = dict(re.findall(r"`(my_conf/\S+\.yaml)`[^`]*```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL))


def commands(block: str) -> list[list[str]]:
    """Split a shell block into the argument lists of its commands."""
    found: list[list[str]] = [[]]
    for line in block.splitlines():
        found.append([])
        for word in shlex.split(line, comments=True):
            if word == "&&":
                found.append([])
            else:
                found[-1].append(word)
    return [words for words in found if words]


def run(words: list[str]) -> int:
    """Run one command in this process where that is the same, and return its exit code."""
    match words:
        case ["python", "-m", "pip" | "pytest", *_]:
            return 0  # installing, and this very suite: what .ci/run does
        case ["python", "-m", "runner", *arguments]:
            from runner.__main__ import main

            return main(arguments)
        case ["python", "-m", "runner.reproduce", *arguments]:
            from runner.reproducing.command import main as reproduce

            return reproduce(arguments)
        case ["python", "-m", "tracking", *arguments]:
            return run_tracking(arguments)
        case ["python", *arguments]:
            return subprocess.run([sys.executable, *arguments], check=False).returncode
    raise AssertionError(f"the README has a command of another kind: {shlex.join(words)}")


def run_tracking(arguments: list[str]) -> int:
    from tracking.__main__ import main

    typed = sys.argv
    sys.argv = ["tracking", *arguments]
    try:
        return main()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(bool(ending.code))
    finally:
        sys.argv = typed


def test_every_command_and_script_of_the_readme_runs(capfd: pytest.CaptureFixture[str]) -> None:
    for file, text in OWN_CONFIGS.items():
        Path(file).parent.mkdir(parents=True)
        Path(file).write_text(text)
    for kind, text in BLOCKS:
        if kind == "python":
            Path("script.py").write_text(text)
            runpy.run_path("script.py", run_name="__main__")
        elif kind == "sh":
            for words in commands(text):
                code = run(words)
                output = "".join(capfd.readouterr())
                expected = 1 if "diff" in words else 0  # like diff: 1 says that they differ
                assert code == expected, f"{shlex.join(words)} ended with {code}:\n{output}"
    assert sorted(path.name for path in Path().iterdir()) == ["my_conf", "runs", "script.py", "wine.csv"]


def test_every_config_of_the_readme_is_in_the_file_that_its_text_names() -> None:
    assert len(OWN_CONFIGS) == sum(kind == "yaml" for kind, _ in BLOCKS)


def test_the_table_of_what_a_run_records_names_every_artifact() -> None:
    for name in ("config.yaml", "overrides.yaml", "model/model.joblib", "environment.txt", "run.log"):
        assert f"`{name}`" in README
