"""The project around the code: what is declared, pinned and run by CI agrees with itself."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [
    Requirement(text)
    for text in [
        *PROJECT["dependencies"],
        *(t for ts in PROJECT["optional-dependencies"].values() for t in ts),
    ]
]


def read_pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def readme_command(name: str) -> str:
    text = (ROOT / "README.md").read_text()
    found = re.search(rf"^<!-- ci: {name} -->\n```\w*\n(.+?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, f"README.md needs a code block right after the line '<!-- ci: {name} -->'"
    return found[1].strip()


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_every_requirement_has_a_pin_that_satisfies_it(requirement: Requirement) -> None:
    if requirement.name == PROJECT["name"]:
        assert requirement.extras <= set(PROJECT["optional-dependencies"])
        return
    pins = {canonicalize_name(name): version for name, version in read_pins().items()}

    assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def test_pins_are_exact_sorted_and_named_once() -> None:
    names = [canonicalize_name(name) for name in read_pins()]
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]

    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert [line.split("==")[0].lower() for line in lines] == sorted(line.split("==")[0].lower() for line in lines)
    assert len(names) == len(set(names)) == len(lines)


@pytest.mark.heavy
def test_every_library_of_the_code_is_declared() -> None:
    """Imports at any depth of `runner` and `tracking` are ours, the standard library's, or declared."""
    modules = {"sklearn": "scikit-learn", "yaml": "pyyaml", "hydra": "hydra-core", "vl_convert": "vl-convert-python"}
    declared = {canonicalize_name(requirement.name) for requirement in REQUIREMENTS}
    declared |= {"runner", "tracking", "hydra-plugins"}
    for file in (path for room in ("runner", "tracking") for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
            unknown = {canonicalize_name(modules.get(top, top)) for top in tops} - declared
            assert not unknown, f"{file.relative_to(ROOT)} imports {unknown}, which pyproject.toml does not name"


def test_commands_point_to_modules_that_are_there() -> None:
    for entry in PROJECT["scripts"].values():
        module, _, function = entry.partition(":")
        source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text()

        assert re.search(rf"^def {function}\(|import .*\b{function}\b", source, re.MULTILINE)


def test_ci_is_an_executable_script_that_stops_at_the_first_failure() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in script.read_text()


@pytest.mark.parametrize("name", ["tests", "headline"])
def test_ci_runs_the_readmes_command_literally(name: str) -> None:
    done = subprocess.run((ROOT / ".ci" / "run", "show", name), capture_output=True, text=True, check=False)

    assert done.stdout.strip() == readme_command(name), done.stderr


def test_the_readmes_commands_are_the_ones_that_are_promised() -> None:
    assert "pytest" in readme_command("tests")
    assert "constraints.txt" in readme_command("tests")
    assert "python -m runner -m model=ridge alpha=0.1,0.5" in readme_command("headline")


def test_both_packages_say_that_they_are_typed() -> None:
    assert all((ROOT / room / "py.typed").exists() for room in ("runner", "tracking"))
