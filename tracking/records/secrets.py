"""What may be a secret, told by its name or its form, and how it is kept out of what is recorded or shown. Pure.

By name: a key such as `password` or `api_key` as a whole word, so not `max_tokens` and not `use_cls_token`. By form:
user and password of a URL, headers of private keys, access keys and tokens of well-known services. The forms are
those that the services document; there is no list of every service, as a secret scanner has it, because this is asked
whenever a run starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

REDACTED: Final = "***"
SHORTEST: Final = 3  # characters of a secret that is looked for in what was printed; shorter ones are in any text

_NAME = re.compile(
    r"(?:.*_)?(?:password|passwd|passphrase|secret|secret_key|private_key|api_?key|access_key(?:_id)?|credentials?)"
    r"|(?:.*_)?(?:access|api|auth|bearer|bot|csrf|github|gitlab|hf|id|jwt|oauth|refresh|secret|session|slack)_token"
    r"|pwd|token|authtoken|connection_string"
)
_WORDS = ("passw", "pwd", "passphrase", "secret", "token", "key", "credential", "string")  # one is in every name
_URL_USER = re.compile(
    r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]{0,30})://"
    r"(?P<user>[^\s/?#'\"<>]{1,500}|[^\s/?#'\"<>:@]{1,99}:(?!\d{1,5}[/?#])[^\s'\"<>@]{1,500})@"  # with a slash in it
)
_ASSIGNMENT = re.compile(
    r"(?<![\w.-])(?P<key>[\w.-]{0,80}?(?i:passw(?:or)?d|passphrase|pwd|secret|token|key(?:_?id)?|credentials?|string))"
    r"(?P<between>[\"']?\s*[=:]\s*)"
    r"(?P<value>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|\$\{[^}\n]*\}|[^\s,;&'\"(){}\[\]]+)"
)
_FORMS = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s\S]{0,9999}?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?"
    r"|\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b"  # AWS
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}"  # GitHub, GitLab
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bhooks\.slack\.com/services/[\w/]{20,}"
    r"|\bAIza[\w-]{35}|\b[sr]k_live_[A-Za-z0-9]{16,}|\bsk-[\w-]{20,}"  # Google, Stripe, OpenAI
    r"|\bhf_[A-Za-z0-9]{30,}|\bnpm_[A-Za-z0-9]{36}|\bpypi-[\w-]{50,}|\bSG\.[\w-]{22}\.[\w-]{43}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"  # a JSON web token
    r"|(?i:\bauthorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|token)\s+)[\w.+/=~-]{6,}"
)
_MARKERS = (  # one is in every text that has such a form: to look for them is a hundred times as fast
    *("-----BEGIN", "AKIA", "ASIA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
    *("xox", "hooks.slack", "AIza", "k_live_", "sk-", "hf_", "npm_", "pypi-", "SG.", "eyJ"),
)
_INTERPOLATION = re.compile(r"\$\{[^}]*\}")
_PLACEHOLDER = re.compile(r"<.*>|\{.*\}|%\(.*|x+|\*+|\.+|changeme|example|none|null|true|false", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hidden:
    """What is recorded of a config that has secrets in it."""

    config: Mapping[str, Any]  # with an expression, or REDACTED, where a secret is
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # secret -> what is written in its place


@lru_cache(maxsize=4096)
def is_secret_name(key: str) -> bool:
    """Tell whether the last part of a dotted key names a secret.

    >>> [is_secret_name(key) for key in ("data.kwargs.password", "dbApiKey", "max_tokens", "model.use_cls_token")]
    [True, True, False, False]
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.rpartition(".")[2]).replace("-", "_").lower()
    return _NAME.fullmatch(name) is not None


def redact(text: str) -> str:
    """Leave out of a text what its name or its form says to be a secret; an interpolation stays.

    >>> redact("data.path=https://me:hunter2@host/x.csv")
    'data.path=https://***@host/x.csv'
    >>> redact("data.kwargs={user: me, password: hunter2, max_tokens: 5}")
    'data.kwargs={user: me, password: ***, max_tokens: 5}'
    """
    if "://" in text:
        text = _URL_USER.sub(_without_user, text)
    lowered = text.lower()
    if any(word in lowered for word in _WORDS):
        text = _ASSIGNMENT.sub(_without_value, text)
    return _FORMS.sub(REDACTED, text) if _may_have_form(text, lowered) else text


_redact_value = lru_cache(maxsize=4096)(redact)  # configs have the same values again and again


def redact_override(text: str) -> str:
    """Leave secrets out of what was typed as `key=value`; the whole value of a key that names one.

    >>> redact_override("+data.kwargs.password=one,two"), redact_override("password='${oc.env:DBPW}'")
    ('+data.kwargs.password=***', "password='${oc.env:DBPW}'")
    """
    key, equals, value = text.partition("=")
    if equals and any(map(is_secret_name, key.lstrip("+~").split("."))) and _is_told(value):
        return f"{key}={REDACTED}"
    return redact(text)


def redact_config(node: Any, *, secret: bool = False) -> Any:
    """Return plain nested data without secrets; the very same object where there are none.

    All that is below a key such as `credentials` is `secret`, but for the name of what is built.
    """
    if isinstance(node, dict):
        changed = {}
        for name, value in node.items():
            hides = (secret and name != "_target_") or is_secret_name(str(name))
            if hides or isinstance(value, str | dict | list | tuple):  # any other value is told by its name alone
                redacted = redact_config(value, secret=hides)
                if redacted is not value:
                    changed[name] = redacted
        return {**node, **changed} if changed else node
    if isinstance(node, list | tuple):
        items = [redact_config(item, secret=secret) for item in node]
        return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
    if secret and not isinstance(node, bool | None) and _is_told(str(node)):
        return REDACTED
    if not isinstance(node, str) or (redacted := _redact_value(node)) == node:
        return node
    return redacted


def find_redacted(told: Any, redacted: Any) -> dict[str, str]:
    """Return the secrets that `redact_config` left out, each with what stands in its place."""
    if told is redacted:
        return {}
    if isinstance(told, Mapping):
        pairs = [(value, redacted[key]) for key, value in told.items()]
    elif isinstance(told, list | tuple):
        pairs = list(zip(told, redacted, strict=True))
    else:
        return {str(told): redacted} if len(str(told)) >= SHORTEST else {}
    return {secret: shown for pair in pairs for secret, shown in find_redacted(*pair).items()}


def is_redacted(key: str, value: object) -> bool:
    """Tell whether the recorded value of a dotted key lacks a secret that was left out."""
    if isinstance(value, list | tuple):
        return any(is_redacted(key, item) for item in value)
    if not isinstance(value, str) or REDACTED not in value:
        return False
    return f"://{REDACTED}@" in value or (value == REDACTED and any(map(is_secret_name, key.split("."))))


def replace_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Write something else in place of each secret, however it is spelled: as it is, escaped, or in a URL.

    `secrets` has for each text what stands in its place. A short one, as `me`, is replaced only as a whole word.
    """
    for spelled, instead in _spellings(tuple(secrets.items())):
        if spelled in text:
            text = re.sub(_exactly(spelled), lambda _, instead=instead: instead, text)  # type: ignore[misc]
    return text


def finds_secret(text: str, *, is_code: bool = False) -> bool:
    """Tell whether the content of a file has a secret in it.

    In code only what is in quotes is a value: `password = ask()` is none.
    """
    lowered = text.lower()
    if _may_have_form(text, lowered) and _FORMS.search(text):
        return True
    if "://" in text and any(_without_user(match) != match[0] for match in _URL_USER.finditer(text)):
        return True
    if not any(word in lowered for word in _WORDS):
        return False
    found = (match for match in _ASSIGNMENT.finditer(text) if is_secret_name(match["key"]))
    return any(_looks_real(match["value"], match["key"], is_code=is_code) for match in found)


# -----------------------------------------------------------------------------------------------
SHORT = 8  # characters; shorter ones may be a part of any word


def _may_have_form(text: str, lowered: str) -> bool:
    return any(marker in text for marker in _MARKERS) or "authorization" in lowered


def _is_told(value: str) -> bool:
    """Tell whether a value is there in the open, and not as an interpolation."""
    return bool(value.strip("'\" ")) and value != "null" and _INTERPOLATION.fullmatch(value.strip("'\" ")) is None


def _without_user(match: re.Match[str]) -> str:
    user, scheme = match["user"], match["scheme"]
    if _INTERPOLATION.search(user):  # what stands beside it is no secret by itself, but for a password
        name, colon, password = user.partition(":")
        if not colon or _INTERPOLATION.fullmatch(password) or ":" in _INTERPOLATION.sub("", name):
            return match[0]
    if "ssh" in scheme.lower():
        name, colon, _ = user.partition(":")
        return f"{scheme}://{name}:{REDACTED}@" if colon else match[0]
    return f"{scheme}://{REDACTED}@"


def _without_value(match: re.Match[str]) -> str:
    key, between, value = match["key"], match["between"], match["value"]
    if is_secret_name(key) and _is_told(value) and value.lower() not in ("true", "false", "none", "null"):
        quote = value[0] if value[0] in "'\"" else ""
        return f"{key}{between}{quote}{REDACTED}{quote}"
    return match[0]


@lru_cache(maxsize=64)
def _spellings(secrets: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return how each secret may be spelled, the longest first: it may hold a shorter one."""
    import json
    from urllib.parse import quote, quote_plus

    found: dict[str, str] = {}
    for secret, instead in secrets:
        spellings = (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret))
        joined = " ".join(secret.split())
        found |= dict.fromkeys(filter(None, (*spellings, joined)), instead)
    return tuple(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _exactly(spelled: str) -> str:
    return re.escape(spelled) if len(spelled) >= SHORT else rf"(?<!\w){re.escape(spelled)}(?!\w)"


def _looks_real(value: str, key: str, *, is_code: bool) -> bool:
    quoted = value[:1] in "'\""
    inner = value.strip("'\"")
    if len(inner) < 6 or " " in inner or "$" in inner or _PLACEHOLDER.fullmatch(inner) or inner.lower() in key.lower():
        return False
    if quoted:
        return True
    kinds = sum(re.search(kind, inner) is not None for kind in ("[a-z]", "[A-Z]", "[0-9]", r"[^\w.-]"))
    return not is_code and kinds > 1
