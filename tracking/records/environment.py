"""Where a run ran and with which packages: `environment.txt`, both directions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the run ran: `host` is the header (python, platform, cpu, ...), `packages` name to version."""

    host: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)


def write_environment(environment: Environment) -> str:
    """Write an environment.txt: `# key: value` lines, those without a value left out, then `name==version` lines."""
    lines = [f"# {key}: {value}" for key, value in environment.host.items() if value]
    lines += [f"{name}=={version}" for name, version in environment.packages.items()]
    return "\n".join(lines) + "\n"


def parse_environment(text: str) -> Environment:
    """Read an environment.txt; lines of another form are skipped."""
    host: dict[str, str] = {}
    packages: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            key, colon, value = line.lstrip("# ").partition(":")
            if colon:
                host[key.strip()] = value.strip()
        elif "==" in line:
            name, _, version = line.partition("==")
            packages[name.strip()] = version.strip()
    return Environment(host, packages)
