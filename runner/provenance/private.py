"""Which uncommitted files are kept out of a record: those that a scanner for secrets would point at. Pure.

detect-secrets, the scanner that is most used from Python, was weighed: 18 s for a megabyte, 0.4 s to import, and
nothing by the names of files. A patch is made whenever a run starts, so that these are a list of names, and the
names and forms of `tracking.records.secrets` in what the patch would show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from tracking.records.secrets import finds_secret

_DATA = ("cfg", "conf", "csv", "env", "ini", "json", "properties", "toml", "txt", "xml", "yaml", "yml")  # no code
_STEMS = ("credential", "credentials", "secret", "secrets", "token", "tokens", "password", "passwords")
NAMES = (
    *(".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".npmrc", ".pypirc", ".git-credentials", ".pgpass"),
    *(".htpasswd", ".my.cnf", ".s3cfg", ".boto", ".dockercfg", ".vault-token", "*.tfvars", "*.tfstate"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "kubeconfig", "*.kubeconfig"),
    *("service-account*.json", "service_account*.json", "client_secret*.json", "*credentials*.json"),
    *_STEMS,
    *(f"{stem}.{ending}" for stem in _STEMS for ending in _DATA),
)
FOLDERS = (".aws", ".azure", ".docker", ".gnupg", ".kube", ".ssh")
_SCRIPTS = (".ipynb", ".jl", ".js", ".md", ".py", ".pyi", ".pyx", ".r", ".rst", ".ts")
CODE = (".c", ".cpp", ".go", ".h", ".java", ".rs", *_SCRIPTS)

_SECTION = re.compile(rb"^diff --git ", re.MULTILINE)
_BINARY = re.compile(rb"^GIT binary patch$", re.MULTILINE)


def looks_private(name: str) -> bool:
    """Tell whether a file of this name, with its folders, is one that holds secrets.

    >>> [looks_private(name) for name in ("sub/prod.env", "SERVER.KEY", ".aws/config", "secrets.py", "model.py")]
    [True, True, True, False, False]
    """
    path = PurePosixPath(name.lower())
    return any(fnmatchcase(path.name, pattern) for pattern in NAMES) or not set(path.parts[:-1]).isdisjoint(FOLDERS)


def split_patch(patch: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the part of each file in a patch of git's, with the file's name."""
    starts = [match.start() for match in _SECTION.finditer(patch)]
    for start, end in zip(starts, [*starts[1:], len(patch)], strict=True):
        part = patch[start:end]
        yield _name(part.split(b"\n", 1)[0]), part


def shows_secret(name: str, part: bytes, contents: Callable[[str], list[bytes]]) -> bool:
    """Tell whether a part of a patch shows a secret; `contents` gives a binary file as it is and as it was."""
    if looks_private(name):
        return True
    is_code = PurePosixPath(name.lower()).suffix in CODE
    shown = contents(name) if _BINARY.search(part) else [part]
    return any(finds_secret(text.replace(b"\0", b"").decode("latin-1"), is_code=is_code) for text in shown)


def _name(line: bytes) -> str:
    r"""Return the file's name in `diff --git a/NAME b/NAME`; git quotes one with special letters, as "a/\303\244"."""
    import os

    both = line.removeprefix(b"diff --git ")
    first = both[: (len(both) - 1) // 2]  # nothing is renamed: both are the same
    if first.startswith(b'"'):
        first = re.sub(rb"\\([0-7]{3}|.)", _unescape, first[1:-1])
    return os.fsdecode(first.removeprefix(b"a/"))


def _unescape(match: re.Match[bytes]) -> bytes:
    found = match[1]
    if len(found) == 3:
        return bytes([int(found, 8)])
    return {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}.get(found, found)
