"""The deploys that the bench measures, against a local AWS: those of deploy.sh, and the AWS CLI alone."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from projects import HERE, commit

sys.path += [str(HERE / "demo"), str(HERE / "tests")]
from deployed import delete_stacks
from imports import deploy_imports, environments
from local_aws import local_aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

JOBS = 8
# The stacks are called otherwise than those of deploy.sh: they would be deployed already.
BARE = f"""ls out/qa | sed -n 's/^\\(service-[0-9]*\\)\\.yml$/\\1/p' | xargs -P {JOBS} -I NAME aws cloudformation deploy \
--stack-name bare-NAME --template-file out/qa/NAME.yml --capabilities CAPABILITY_IAM"""


class Deploys(NamedTuple):
    """The commands of a contest, and what takes all stacks away again."""

    ours: list[str]
    bare: list[str]
    delete: Callable[[], Any]


@contextmanager
def deploys(folder: Path) -> Iterator[Deploys]:
    """Yield them for a project with the environment qa, in front of a local AWS that has all that it imports."""
    shutil.copy(HERE / "deploy.sh", folder)
    commit(folder)
    with local_aws() as aws:
        deploy_imports(aws, environments(folder)["qa"], folder)
        settings = [
            f"{name}={value}" for name, value in aws.items() if name == "PATH" or name.startswith(("AWS_", "NO_"))
        ]
        yield Deploys(
            ["env", *settings, f"JOBS={JOBS}", f"{folder}/deploy.sh", "qa"],
            ["env", *settings, "sh", "-c", BARE],
            lambda: delete_stacks(aws),
        )
