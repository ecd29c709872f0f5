"""Which keys exist under which group choices: asked once, kept, checked and put into words."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from runner.errors import SweepError
from runner.points.axes import RESERVED_WORDS, Axis
from runner.suggest import suggest

_Choices = Mapping[str, str]
_LISTED = 6  # choices named in one note before it says "and N more"
_ASKED_FOR_NAMES = 20  # branches whose keys are listed for a suggestion


@dataclass(frozen=True, slots=True)
class _Use:
    """A key that was asked for: where it stands, and the answer for each combination of choices."""

    axis: Axis
    key: str
    required: bool
    answers: dict[frozenset[tuple[str, str]], bool] = field(default_factory=dict)


class ConditionalKeys:
    """Remembers what `applies` answered for a sweep."""

    def __init__(self, applies: Callable[[_Choices, str], bool]) -> None:
        self._applies = applies
        self._known: dict[tuple[frozenset[tuple[str, str]], str], bool] = {}
        self._uses: dict[tuple[str | None, str], _Use] = {}
        self._branches: dict[frozenset[tuple[str, str]], _Choices] = {}

    def ask(self, choices: _Choices, key: str, *, axis: Axis, scope: str | None, required: bool = True) -> bool:
        """Tell whether a key applies; if `required` it must somewhere in `scope` (None: the whole sweep)."""
        identity = frozenset(choices.items())
        if (identity, key) not in self._known:
            always = key.startswith(("+", "~"))
            self._known[identity, key] = always or self._applies(choices, key)
        use = self._uses.setdefault((scope, key), _Use(axis, key, required))
        use.answers[identity] = self._known[identity, key]
        return self._known[identity, key]

    def add_branch(self, choices: _Choices) -> None:
        """Remember a combination of group choices."""
        self._branches.setdefault(frozenset(choices.items()), choices)

    def branches(self) -> tuple[_Choices, ...]:
        """List the distinct combinations, in order of appearance."""
        return tuple(self._branches.values())

    def partial(self) -> frozenset[str]:
        """The keys (without prefix) that some combinations have and others lack."""
        return frozenset(key for (_, key), use in self._uses.items() if len(set(use.answers.values())) > 1)

    def check(
        self, known_keys: Callable[[_Choices], Collection[str]], place: Callable[[Sequence[_Choices], str], str]
    ) -> None:
        """Raise SweepError for a key that no combination has, with the nearest names and what `place` says."""
        for use in self._uses.values():
            if any(use.answers.values()) or not use.required:
                continue
            combinations = [dict(identity) for identity in use.answers]
            names = set(RESERVED_WORDS)
            for choices in islice(combinations, _ASKED_FOR_NAMES):
                names.update(known_keys(choices))
            text = next(s.text for value in use.axis.values for s in value if s.spelled == use.key)
            chosen = _list([_spell(choices) for choices in combinations if choices])
            raise SweepError(
                f"{use.axis.origin}: {text}: no chosen config{f' ({chosen})' if chosen else ''} "
                f"has a key '{use.key}'.{suggest(use.key, names)}{place(combinations, use.key)}"
            )

    def notes(self) -> tuple[str, ...]:
        """Say for every key that some combinations lack which ones have it."""
        notes = []
        for (scope, key), use in self._uses.items():
            if all(use.answers.values()):
                continue
            where = f"{scope}: " if scope is not None and scope.startswith("sweep[") else ""
            notes.append(f"{where}{key} {_explain(use.answers)}")
        return tuple(dict.fromkeys(notes))


def _explain(answers: Mapping[frozenset[tuple[str, str]], bool]) -> str:
    combinations = [(dict(identity), answer) for identity, answer in answers.items()]
    groups = sorted({key for choices, _ in combinations for key in choices})
    for group in groups:
        verdicts: dict[str, set[bool]] = {}
        for choices, answer in combinations:
            verdicts.setdefault(choices.get(group, f"the default {group}"), set()).add(answer)
        if len(verdicts) > 1 and all(len(verdict) == 1 for verdict in verdicts.values()):
            return _word(
                [choice for choice, verdict in verdicts.items() if True in verdict],
                [choice for choice, verdict in verdicts.items() if False in verdict],
            )
    return _word(
        [_spell(choices) for choices, answer in combinations if answer],
        [_spell(choices) for choices, answer in combinations if not answer],
    )


def _word(having: list[str], lacking: list[str]) -> str:
    if not having and not any(lacking):
        return "does not apply"
    if having and len(having) <= max(len(lacking), 3):
        return f"applies to {_list(having)} only"
    return f"does not apply to {_list(lacking)}"


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"


def _spell(choices: _Choices) -> str:
    return " ".join(f"{key}={choice}" for key, choice in sorted(choices.items()))
