"""What a partial declares of itself as data: the options of its level, and what it needs on the key of its target."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from taskroles.faults import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

# To the end of the text where nothing closes them: to look for the end once for each would take hours.
OPTIONS = re.compile(r"\{%[-+]?\s*set (options|required) = (.*?)(?:[-+]?%\}|\Z)", re.DOTALL)
KEY = re.compile(r"\{%[-+]?\s*set key = (.*?)(?:[-+]?%\}|\Z)", re.DOTALL)
COMMENT = re.compile(r"\{#.*?(?:#\}|\Z)", re.DOTALL)
OPTION = re.compile(r"(?!target$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME = re.compile(r'"([a-z][a-z0-9-]*)"')


def declared_options(path: str, source: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield `options` and `required`, each with what a partial declares so; raise BadInput where it is not data."""
    if "set options" not in source and "set required" not in source:
        return
    code = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source)
    for declared in OPTIONS.finditer(code):
        try:
            options = ast.literal_eval(declared[2].strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            options = None
        if not isinstance(options, dict) or not all(
            isinstance(v, str) and OPTION.fullmatch(str(k)) for k, v in options.items()
        ):
            line = code.count("\n", 0, declared.start()) + 1
            example = '{"prefix": "begins the keys"}'
            raise BadInput([f"{path}:{line}: `{declared[1]}` holds names and what they do, as in {example}"])
        yield declared[1], options


def declared_key(path: str, source: str) -> str | None:
    """Return the level of kms that a partial needs on a key, None if it says none; raise BadInput where it is no name."""
    if "set key" not in source:
        return None
    code = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source)
    declared = KEY.search(code)
    level = declared and NAME.fullmatch(declared[1].strip())
    if declared and not level:
        line = code.count("\n", 0, declared.start()) + 1
        raise BadInput([f'{path}:{line}: `key` is a level of kms in quotes, as in {{% set key = "decrypt" %}}'])
    return level[1] if level else None
