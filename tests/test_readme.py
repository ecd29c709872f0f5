"""Every command, config and script of the README and of docs/ runs as it stands, in its order, in one empty folder."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {
    path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
LEFT_BEHIND = {  # beside the store
    "README.md": ["my_conf", "predictions.csv", "report.html", "script.py", "wine.csv"],
    "data.md": ["wine.csv"],
    "mlflow.md": ["script.py"],
    "looking.md": ["report.html", "ridge.html", "script.py"],
    "engines.md": ["my_conf"],
    "records.md": ["report.html"],
    "sweeps.md": ["my_conf", "script.py"],
    "tracking.md": ["script.py"],
}


def blocks(page: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(sh|yaml|python)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def own_configs(page: str) -> dict[str, str]:
    return dict(re.findall(r"`(my_conf/\S+\.yaml)`[^`]*```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL))


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
        case ["python", "-m", "tracking", "ui", *options]:  # serves until Ctrl-C: only that it knows its options
            return run_tracking(["ui", *options, "--help"])
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
    raise AssertionError(f"the page has a command of another kind: {shlex.join(words)}")


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


@pytest.mark.heavy
@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if blocks(page)])
def test_every_command_and_script_of_a_page_runs(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    for file, text in own_configs(PAGES[name]).items():
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(text)
    for kind, text in blocks(PAGES[name]):
        if kind == "python":
            Path("script.py").write_text(text)
            runpy.run_path("script.py", run_name="__main__")
        elif kind == "sh":
            for words in commands(text):
                code = run(words)
                output = "".join(capfd.readouterr())
                expected = 1 if "diff" in words else 0  # like diff: 1 says that they differ
                assert code == expected, f"{shlex.join(words)} ended with {code}:\n{output}"
    assert sorted(path.name for path in Path().iterdir()) == sorted([*LEFT_BEHIND[name], "runs"])


@pytest.mark.parametrize("name", PAGES)
def test_every_config_of_a_page_is_in_the_file_that_its_text_names(name: str) -> None:
    assert len(own_configs(PAGES[name])) == sum(kind == "yaml" for kind, _ in blocks(PAGES[name]))


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_links_to_is_there(name: str) -> None:
    folder = ROOT if name == "README.md" else ROOT / "docs"
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[name]):
        assert (folder / target).exists(), f"{name} links to {target}"


def test_the_table_of_what_a_run_records_names_every_artifact() -> None:
    for name in ("config.yaml", "overrides.yaml", "model/", "environment.txt", "run.log"):
        assert f"`{name}`" in PAGES["records.md"]
