"""What counts as a secret, by its name and by its form, and how it is left out."""

from __future__ import annotations

import time

import pytest

from tracking.records.secrets import (
    is_redacted,
    is_secret_name,
    redact,
    redact_config,
    redact_override,
    replace_secrets,
)


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "data.kwargs.passwd",
        "db_password",
        "apiKey",
        "api_key",
        "API-KEY",
        "client_secret",
        "secret",
        "token",
        "access_token",
        "credentials",
        "aws_secret_access_key",
        "PASSWORD",
        "private_key",
    ],
)
def test_a_key_names_a_secret(key: str) -> None:
    assert is_secret_name(key)


@pytest.mark.parametrize(
    "key",
    [
        "max_tokens",
        "use_cls_token",
        "token_pattern",
        "tokenizer",
        "secretary",
        "keys",
        "password_length",
        "n_secrets",
        "api",
        "alpha",
        "model.num_tokens",
        "cls_token",
    ],
)
def test_a_key_that_only_contains_such_a_word_names_none(key: str) -> None:
    assert not is_secret_name(key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:hunter2@host/x", "https://***@host/x"),
        ("see https://tok3n@host/x?token=abc&y=1 there", "see https://***@host/x?token=***&y=1 there"),
        ("postgres://u:p@ss@host/db", "postgres://***@host/db"),
        ("postgres://u:p/ss@host/db", "postgres://***@host/db"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("ssh://git:hunter2@host/x", "ssh://git:***@host/x"),
        ("http://localhost:8080/a/@b", "http://localhost:8080/a/@b"),
        ("postgres://me:${oc.env:DBPW}@host/db", "postgres://me:${oc.env:DBPW}@host/db"),
        ('{"password": "a b", "n": 1}', '{"password": "***", "n": 1}'),
        ("login(password='hunter2')", "login(password='***')"),
        ("--password=hunter2", "--password=***"),
        ("password=${oc.env:DBPW}", "password=${oc.env:DBPW}"),
        ("max_tokens=5, use_cls_token=true", "max_tokens=5, use_cls_token=true"),
        ("AKIAABCDEFGHIJKLMNOP", "***"),
    ],
)
def test_secrets_in_a_text_are_left_out_and_nothing_else(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("data.kwargs.password=hunter2", "data.kwargs.password=***"),
        ("+data.kwargs.token=a,b", "+data.kwargs.token=***"),
        ("data.kwargs={user: me, password: hunter2}", "data.kwargs={user: me, password: ***}"),
        ("data.kwargs.credentials.user=me", "data.kwargs.credentials.user=***"),
        ("data.path=https://me:hunter2@host/x.csv", "data.path=https://***@host/x.csv"),
        ("data.kwargs.password='${oc.env:DBPW}'", "data.kwargs.password='${oc.env:DBPW}'"),
        ("model.use_cls_token=true", "model.use_cls_token=true"),
        ("~data.kwargs.password", "~data.kwargs.password"),
    ],
)
def test_what_was_typed_is_shown_without_secrets(text: str, shown: str) -> None:
    assert redact_override(text) == shown


def test_a_config_without_secrets_is_the_same_object() -> None:
    config = {"model": {"alpha": 1.0, "max_tokens": 5}, "seeds": [1, 2], "token": None, "password": ""}

    assert redact_config(config) is config


def test_secrets_in_a_config_are_left_out_however_deep() -> None:
    config = {
        "kwargs": {"password": "hunter2", "pin": 1, "credentials": {"user": "me"}},
        "urls": ["https://me:pw@host", "x"],
        "token": 123456,
        "use_cls_token": "yes",
        "api_key": "${oc.env:KEY}",
    }

    assert redact_config(config) == {
        "kwargs": {"password": "***", "pin": 1, "credentials": {"user": "***"}},
        "urls": ["https://***@host", "x"],
        "token": "***",
        "use_cls_token": "yes",
        "api_key": "${oc.env:KEY}",
    }


def test_what_was_left_out_can_be_told() -> None:
    assert is_redacted("a.password", "***")
    assert is_redacted("path", ["https://***@host/x"])
    assert not is_redacted("path", "***")
    assert not is_redacted("password", 3)


@pytest.mark.parametrize("secret", ["plain-secret", "quo'te\"back\\slash", "two  words", "p@ss/w:rd", "ünïcode-secret"])
def test_a_known_secret_is_replaced_however_it_is_spelled(secret: str) -> None:
    from json import dumps
    from urllib.parse import quote

    text = f"{secret} {secret!r} {dumps(secret)} https://me:{quote(secret, safe='')}@h {' '.join(secret.split())}"

    told = replace_secrets(text, {secret: "${oc.env:S}"})

    assert told.count("${oc.env:S}") == 5
    assert secret not in told


def test_a_short_secret_is_replaced_as_a_word_only() -> None:
    assert replace_secrets("ridge id rid", {"rid": "?"}) == "ridge id ?"


@pytest.mark.parametrize("text", ["a" * 200_000, "a-" * 100_000, "://" * 60_000, "token" * 40_000, "a.b://" * 30_000])
def test_a_long_text_takes_no_time(text: str) -> None:
    start = time.process_time()
    redact(text)
    assert time.process_time() - start < 5
