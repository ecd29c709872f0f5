"""What the cases of all kinds are made of: odd texts, damaged texts and bytes; and how what is printed is judged."""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable, Sequence

ODD = [
    *(
        "",
        " ",
        "é",
        "٣",
        "²",
        "null",
        "NaN",
        "inf",
        "-0",
        "1e999",
        "0x1f",
        "1_0",
        "true",
        "~",
        "???",
        "${x}",
        "${oc.env:HOME}",
    ),
    *(
        "'",
        '"',
        "\\",
        "`",
        "\t",
        "\n",
        "\x00",
        "\x1b[31m",
        "\u202e",
        "\ud800",
        "a" * 300,
        "9" * 400,
        "--",
        "%s",
        "{}",
        "[]",
    ),
]
SIGNS = "=,{}[]()'\"$+~@.:/\\ \t\n-<>!#&*|%é\x1b\u202e٣0"


def damaged(source: random.Random, text: str, most: int = 3) -> str:
    """Return a text with up to `most` characters removed, doubled, exchanged or put in."""
    for _ in range(source.randint(0, most)):
        at = source.randrange(len(text) + 1)
        match source.randrange(4):
            case 0:
                text = text[:at] + text[at + 1 :]
            case 1:
                text = text[:at] + text[at : at + 5] + text[at:]
            case 2:
                text = text[:at] + source.choice(SIGNS) + text[at:]
            case _:
                text = text[:at] + source.choice(ODD) + text[at:]
    return text


def damaged_bytes(source: random.Random, content: bytes, most: int = 4) -> bytes:
    """Return bytes of which up to `most` are others, or which end early."""
    changed = bytearray(content)
    for _ in range(source.randint(0, most)):
        if changed:
            changed[source.randrange(len(changed))] = source.randrange(256)
    if source.random() < 0.2:
        del changed[source.randrange(len(changed) + 1) :]
    return bytes(changed)


def answer(program: Callable[[Sequence[str]], int], words: Sequence[str], *, plain: bool = True) -> int:
    """Run a command line in this process; return its exit code. Raises AssertionError for what none may print."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    sys.stdout, sys.stderr = streams
    code = program(words)
    texts = [stream.buffer.getvalue().decode("utf-8") for stream in streams]  # type: ignore[attr-defined]
    assert code in (0, 1, 2), (words, code)
    assert "Traceback (most recent call last)" not in texts[1], (words, texts[1][-2000:])
    assert code != 2 or texts[1].strip(), f"{words}: refused without a word"
    raw = [line for line in "\n".join(texts).split("\n") if not line.isprintable()] if plain else []
    assert not raw, (words, raw[0])
    return code


def require_sentence(error: Exception, of: object) -> None:
    """Raise AssertionError for an error that says nothing."""
    assert str(error).strip(), of
