"""What the tests of the lint rules share: cfn-lint, which takes a second to load, with the project's configuration."""

from __future__ import annotations

import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.runner import Runner
from linting import Linter
from project import HERE, without_exceptions


@pytest.fixture(scope="session")
def linter(tmp_path_factory: pytest.TempPathFactory) -> Linter:
    """Return what lints a text, loaded once."""
    folder = tmp_path_factory.mktemp("linted")
    (folder / "cfnlintrc.yaml").write_text(without_exceptions(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(HERE)
        return Linter(folder, Runner(ConfigMixIn(["--config-file", str(folder / "cfnlintrc.yaml")])))


@pytest.fixture
def lint(linter: Linter) -> Linter:
    """Return what lints a text, beside an environment.yml that is right."""
    linter.broken = ""
    return linter
