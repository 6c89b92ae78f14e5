"""What deploy.sh takes from its environment."""

from __future__ import annotations

import os

from taskroles.faults import BadInput


def given_parameters() -> dict[str, str]:
    """Return the parameters in PARAMETERS, NAME=VALUE with blanks between. Raises BadInput where it is another text."""
    found = {}
    for word in os.environ.get("PARAMETERS", "").split():
        name, is_set, value = word.partition("=")
        if not (name and is_set and value):
            raise BadInput([f"PARAMETERS: {word!r} is not NAME=VALUE"])
        found[name] = value
    return found
