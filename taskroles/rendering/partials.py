"""policies/ and templates/: the partials and the template, rendered with Jinja2, each fault with its line."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
from markupsafe import Markup

from taskroles.faults import BadInput, nearest
from taskroles.names import VARIABLE, filled, policy_fault, substituted
from taskroles.rendering import iam
from taskroles.rendering.declarations import COMMENT, declared_key, declared_options
from taskroles.rendering.jinja import LineMarks, encodable, indented, jinja_environment, origin, place_in_templates
from taskroles.rendering.targets import Refused
from taskroles.table.policies import RESERVED, Grant, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from taskroles.table.grammar import Environment, Service

TEMPLATE = "templates/taskrole.yml.j2"

PARTIAL = re.compile(r"policies/([^/]+)/([a-z][a-z0-9-]*)\.yml\.j2")
REFERENCE = re.compile(r"\{%[-+]?\s*(?:include|import|from|extends)\b\s*(?:\"([^\"]*)\"|'([^']*)')?")
REFERENCED = re.compile(r"\$\{([^}!]+)\}|(?:!Ref|\bRef:) *[\"']?([\w:]+)")  # in the template, before it is rendered
TARGET = {"import": None, "import_arn": None, "name": None, "arn": None}
PLACEHOLDER = re.compile(r'^( *)- "statements of (\w+)"$', re.MULTILINE)


class Described(NamedTuple):
    """A grant as the comment above its policy describes it; `options` is a text, too."""

    level: str
    target: str | None
    options: str
    partial: str


class Policy(NamedTuple):
    """An inline policy of a task role: what logical ids call its AWS service, its grants and statements, its size in IAM.

    `references` holds the names of all that the statements substitute or refer to; `policy_name` is known to a template
    alone.
    """

    name: str
    grants: list[Described]
    statements: str
    characters: int
    references: frozenset[str]
    policy_name: str = ""


class RefusedGrant(BadInput):
    """A partial refuses what a grant asks of it; it says itself where, and whoever knows the grant where that stands."""

    def __init__(self, refused: Refused, place: str) -> None:
        self.of_target = refused.of_target
        self.text = str(refused) if refused.of_target else f"{refused} ({place})"
        super().__init__([f"{place}: {refused}"])


class FaultyPolicy(BadInput):
    """A policy has grants that their partials refuse, each with its index, or partials with other faults."""

    def __init__(self, faults: list[str], refused: list[tuple[int, RefusedGrant]]) -> None:
        self.others, self.refused = faults, refused
        super().__init__([*faults, *(fault for _, each in refused for fault in each.faults)])


class Levels(Mapping[str, Level]):
    """The levels of an AWS service by name: hundreds ship, and a table uses some of them."""

    def __init__(self, renderer: Renderer, paths: dict[str, str]) -> None:
        self._renderer, self._paths = renderer, paths

    def __getitem__(self, level: str) -> Level:
        """Return what a level takes; raise BadInput where its partial declares it wrongly."""
        return self._renderer.level(self._paths[level])

    def __contains__(self, level: object) -> bool:
        """Tell whether there is such a level, without reading it."""
        return level in self._paths

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the levels."""
        return iter(self._paths)

    def __len__(self) -> int:
        """Return how many levels there are."""
        return len(self._paths)


class Renderer:
    """Renders the partials and the template in `sources`, which holds the text of every file by its path."""

    def __init__(self, sources: dict[str, str], parameters: dict[str, int]) -> None:
        """Set Jinja2 up; compile nothing yet. `parameters` holds the most characters of each one's value."""
        self.sources, self.parameters = sources, parameters
        self.environment = jinja_environment(sources)
        self._policies: dict[tuple[str, str], Policy] = {}
        self._sound: set[str | tuple[str, str, int]] = set()  # shapes of templates, and lengths of names
        self._names: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._needed: dict[str, list[str]] = {}
        self._needed_for: dict[frozenset[tuple[str, str]], list[str]] = {}
        self._options: dict[str, dict[str, dict[str, str]]] = {}
        self._levels: dict[str, Level] = {}
        self._references = frozenset(name for path in self.needed(TEMPLATE) for name in references(self._code(path)))

    def levels(self) -> dict[str, Levels]:
        """Return, by AWS service, its levels; a partial is not read before somebody asks what its level takes."""
        found: dict[str, dict[str, str]] = {}
        for path in self.sources:
            if match := PARTIAL.fullmatch(path):
                found.setdefault(match[1], {})[match[2]] = path
        return {aws_service: Levels(self, paths) for aws_service, paths in found.items()}

    def level(self, path: str) -> Level:
        """Return what the level of a partial takes; raise BadInput where the partial declares it wrongly.

        It takes a target if its partial, or one that it includes, mentions `target` outside of comments, the options
        that `{% set options = {"name": "what it does"} %}` in one of them declares, and needs those of `set required`.
        """
        if path not in self._levels:
            texts = [self._code(name) for name in self.needed(path) if PARTIAL.fullmatch(name)]
            takes_target = any(re.search(r"\btarget\b", text) for text in texts)
            required = frozenset(self.declared(path)["required"])
            self._levels[path] = Level(takes_target, self.options(path), required, self.key(path))
        return self._levels[path]

    def options(self, partial: str) -> dict[str, str]:
        """Return all options of a partial, those that it needs first: names, and what each does."""
        declared = self.declared(partial)
        return {**declared["required"], **declared["options"]}

    def declared(self, partial: str) -> dict[str, dict[str, str]]:
        """Return what a partial, or one that it includes, declares: `options`, and those that are `required`."""
        if partial not in self._options:
            found: dict[str, dict[str, str]] = {"options": {}, "required": {}}
            for name in self.needed(partial):
                for kind, options in declared_options(name, self.sources[name]) if PARTIAL.fullmatch(name) else ():
                    found[kind] |= options
            self._options[partial] = found
        return self._options[partial]

    def key(self, partial: str) -> str | None:
        """Return the level of kms that a partial, or one that it includes, needs on a key; None if it needs none."""
        for name in [partial, *self.needed(partial)]:
            if PARTIAL.fullmatch(name) and (level := declared_key(name, self.sources[name])):
                return level
        return None

    def name_faults(self) -> list[str]:
        """Return what is wrong with the names of the files of policies/."""
        faults = []
        for path in self.sources:
            folder, name = path.rpartition("/")[::2]
            if path.startswith("policies/") and folder.count("/") == 1 and name != "service.j2" and name[-3:] != ".md":
                match = PARTIAL.fullmatch(path)
                if not match or match[2] in RESERVED:
                    faults.append(
                        f"{path}: is no level: <level>.yml.j2, in small letters, digits and hyphens, not none or default"
                    )
        return faults

    def faults(self) -> list[str]:
        """Return what is wrong with the names and the syntax of all files, whether somebody uses them or not."""
        faults = self.name_faults()
        for path in self.sources:
            if path.endswith(".j2"):
                try:
                    self._call(path, lambda path=path: self.environment.get_template(path))
                except BadInput as error:
                    faults += error.faults
        return faults

    def needed(self, path: str) -> list[str]:
        """Return `path` and all that it includes and imports, directly or not; everything if that cannot be told."""
        if path not in self._needed:
            self._needed[path] = self._find_needed(path)
        return self._needed[path]

    def needed_for(self, levels: frozenset[tuple[str, str]]) -> list[str]:
        """Return all that a template needs that has policies of these levels, each with its AWS service."""
        if levels not in self._needed_for:
            paths = {TEMPLATE, *(f"policies/{aws_service}/service.j2" for aws_service, _ in levels)}
            paths |= {partial_path(aws_service, level) for aws_service, level in levels}
            self._needed_for[levels] = sorted({name for path in paths for name in self.needed(path)})
        return self._needed_for[levels]

    def _find_needed(self, path: str) -> list[str]:
        needed, left = [], [path]
        while left:
            name = left.pop()
            if name in needed or name not in self.sources:
                continue
            needed.append(name)
            for reference in REFERENCE.finditer(self._code(name)):
                if reference[1] is None and reference[2] is None:
                    return list(self.sources)
                left.append(reference[1] or reference[2])
        return sorted(needed)

    def _code(self, path: str) -> str:
        return COMMENT.sub("", self.sources[path])

    def policy(self, aws_service: str, grants: tuple[Grant, ...]) -> Policy:
        """Return the policy of `grants` on `aws_service`; raise BadInput where a partial is faulty.

        Environments and services share policies: each is rendered, checked and measured once.
        """
        known = (aws_service, repr([*map(tuple, grants)]))
        if known not in self._policies:
            name = self.name(aws_service)
            described, texts, size, found = [], [], iam.DOCUMENT_CHARACTERS, set()
            faults: list[str] = []
            refused: list[tuple[int, RefusedGrant]] = []
            for index, grant in enumerate(grants):
                partial = partial_path(aws_service, grant.level)
                try:
                    text, checked = self._statements(partial, grant)
                except RefusedGrant as error:
                    refused.append((index, error))
                    continue
                except BadInput as error:
                    faults += error.faults
                    continue
                options = ", ".join(
                    [f"{name}: {value}" for name, value in grant.options]
                    + [f"for {reason}" for reason in [grant.because] if reason]
                )
                described.append(Described(grant.level, grant.target, options, partial))
                texts.append(text)
                size += checked.characters
                found |= checked.references
            if faults or refused:
                raise FaultyPolicy(faults, refused)
            self._policies[known] = Policy(name, described, "\n".join(texts), size, frozenset(found))
        return self._policies[known]

    def name(self, aws_service: str) -> str:
        """Return what logical ids call `aws_service`: `name` in its folder's service.j2."""
        if aws_service not in self._names:
            self._names[aws_service] = self._find_name(aws_service)
        return self._names[aws_service]

    def kind(self, aws_service: str, grant: Grant) -> str:
        """Return the kind of access that a level gives: `read`, `write` or `full`."""
        partial = partial_path(aws_service, grant.level)
        if partial not in self._kinds:
            self._kinds[partial] = iam.kind(self._statements(partial, grant)[0])
        return self._kinds[partial]

    def text(self, name: str, **variables: Any) -> str:
        """Return what the template `name` makes of `variables`; raise BadInput where it is faulty."""
        return self._call(name, lambda: encodable(self.environment.get_template(name).render(variables)))

    def _find_name(self, aws_service: str) -> str:
        path = f"policies/{aws_service}/service.j2"
        example = '{% set name = "SNS" %}'
        if path not in self.sources:
            raise BadInput([f"{path}: is missing; it says what logical ids call the AWS service: {example}"])
        name = self._call(path, lambda: getattr(self.environment.get_template(path).module, "name", None))
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name):
            raise BadInput([f"{path}:1: `name` must be letters and digits, as in {example}; it is {name!r}"])
        return name

    def _statements(self, partial: str, grant: Grant) -> tuple[str, iam.Checked]:
        """Return the statements of a grant as YAML, and what the check of them found."""
        variables: dict[str, Any] = dict.fromkeys(map(variable, self.options(partial)))
        variables |= {variable(name): value for name, value in grant.options}
        if grant.found_by:
            variables["target"] = TARGET | {variable(kind): value for kind, value in grant.found_by.items()}
        text = self.text(partial, **variables)
        checked = iam.check_statements(text, self.parameters)
        self._raise(partial, variables, checked.faults)
        return text.strip("\n"), checked

    def template(self, service: Service, environment: Environment, policies: list[Policy]) -> str:
        """Return the text of the template of `service` in `environment`; raise BadInput where it is faulty."""
        named = [policy._replace(policy_name=self._policy_name(policy, service, environment)) for policy in policies]
        variables = {
            "service": service.name,
            "environment": environment.name,
            "task_role": service.task_role,
            "parameters": self._used_parameters(service, environment, policies),
            "policies": [
                policy._replace(statements=Markup(f'- "statements of {policy.name}"'))  # noqa: S704 - a checked name
                for policy in named
            ],
        }
        text = self.text(TEMPLATE, **variables)
        shape = shape_of(text, [service.task_role.text, service.name, environment.name, *targets_of(policies)])
        statements = {policy.name: policy.statements for policy in policies}
        if shape not in self._sound:
            self._raise(TEMPLATE, variables, iam.template_faults(text, list(statements), self.parameters))
            self._sound.add(shape)
        return PLACEHOLDER.sub(lambda found: indented(statements[found[2]], found[1]), text)

    def _policy_name(self, policy: Policy, service: Service, environment: Environment) -> str:
        """Return the name of a policy as the template writes it; raise BadInput if IAM would not take it."""
        name = filled(environment.names.policy, AwsService=policy.name, service=service.name)
        length = (environment.name, policy.name, len(service.name))  # all that is left to be wrong with it
        if length not in self._sound:
            if fault := policy_fault(VARIABLE.sub("x", substituted(name, environment.parameters))):
                raise BadInput([f"services.yml:{service.line}: {fault} (in {environment.name})"])
            self._sound.add(length)
        return name

    def _used_parameters(self, service: Service, environment: Environment, policies: list[Policy]) -> dict[str, str]:
        """Return those of the parameters that a template uses: CloudFormation's linter takes no others."""
        found = self._references | references(service.task_role.text) | references(environment.names.policy)
        found = found.union(*(policy.references for policy in policies))
        return {name: value for name, value in environment.parameters.items() if name in found}

    def _call(self, name: str, function: Callable[[], Any]) -> Any:
        """Call `function`, which renders; turn whatever goes wrong in a template into BadInput with its place."""
        self.environment.steps = 0
        try:
            return function()
        except jinja2.TemplateSyntaxError as error:
            raise BadInput([f"{error.name}:{error.lineno}: {error.message}"]) from None
        except Exception as error:  # noqa: BLE001 - a template can raise anything, and all of it is a fault of that template
            place = place_in_templates(error, self.sources) or f"{name}:1"
            if isinstance(error, jinja2.TemplateNotFound):
                raise BadInput(
                    [f"{place}: there is no {error.name}{nearest(str(error.name), list(self.sources))}"]
                ) from None
            if isinstance(error, Refused):
                raise RefusedGrant(error, place) from None
            if isinstance(error, MemoryError):
                raise BadInput([f"{place}: takes more memory than one may"]) from None
            if isinstance(error, RecursionError):
                raise BadInput([f"{place}: includes itself, directly or through another file"]) from None
            raise BadInput([f"{place}: {error or type(error).__name__}"]) from None

    def _raise(self, name: str, variables: dict[str, Any], faults: list[iam.Fault]) -> None:
        """Raise BadInput for `faults`, of which each has a line of the output, with the line of the source instead."""
        if not faults:
            return
        marked = jinja_environment(self.sources, [LineMarks]).get_template(name).render(variables).split("\n")
        places = [origin(marked, line) or f"{name}:1" for line, _ in faults]
        used = [f" (used by {name})" if not place.startswith(f"{name}:") else "" for place in places]
        raise BadInput([f"{place}: {text}{by}" for place, (_, text), by in zip(places, faults, used, strict=True)])


@functools.cache
def references(text: str) -> frozenset[str]:
    """Return the names of all that a text substitutes or refers to, as far as a look at it tells."""
    return frozenset(found[1] or found[2] for found in REFERENCED.finditer(text))


def variable(name: str) -> str:
    """Return what partials call an option or a way to find a target: Jinja2's names have no hyphens."""
    return name.replace("-", "_")


def shape_of(text: str, values: list[str]) -> str:
    """Return `text` with each value masked: texts of one shape are sound together, and of one length throughout."""
    for value in values:
        text = text.replace(value, "_" * len(value))
    return text


def targets_of(policies: list[Policy]) -> list[str]:
    """Return the names of the targets that the comments above `policies` mention."""
    return [grant.target for policy in policies for grant in policy.grants if grant.target]


def partial_path(aws_service: str, level: str) -> str:
    """Return the path of the partial that holds `level` of `aws_service`."""
    return f"policies/{aws_service}/{level}.yml.j2"
