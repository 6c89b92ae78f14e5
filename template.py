"""policies/ and templates/: the partials and the template, rendered with Jinja2, each fault with its line."""

from __future__ import annotations

import marshal
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
import jinja2.ext
from markupsafe import Markup

import checks
from services import BadInput, Grant, nearest
from state import digest, read, write_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2.bccache import Bucket

TEMPLATE = "templates/taskrole.yml.j2"
COMPILED = ".cache/templates"

PARTIAL = re.compile(r"policies/([^/]+)/([a-z][a-z0-9-]*)\.yml\.j2")
REFERENCE = re.compile(r"\{%[-+]?\s*(?:include|import|from|extends)\b\s*(?:\"([^\"]*)\"|'([^']*)')?")
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]*")
PLACEHOLDER = re.compile(r'^( *)- "statements of (\w+)"$', re.MULTILINE)


class Policy(NamedTuple):
    """An inline policy of a task role: what logical ids call its AWS service, its grants and statements, its size."""

    name: str
    grants: list[dict[str, str | None]]
    statements: str
    characters: int


class Renderer:
    """Renders the partials and the template in `sources`, which holds the text of every file by its path."""

    def __init__(self, sources: dict[str, str], compiled: Compiled) -> None:
        """Set Jinja2 up; compile nothing yet."""
        self.sources = sources
        self.environment = jinja_environment(sources, bytecode_cache=compiled)
        self._policies: dict[tuple[str, str], Policy] = {}
        self._sound: set[str] = set()
        self._names: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._needed: dict[str, list[str]] = {}

    def levels(self) -> dict[str, dict[str, bool]]:
        """Return, by AWS service and level, whether the level takes a target.

        It does if its partial, or one that it includes, mentions `target` outside of comments.
        """
        found: dict[str, dict[str, bool]] = {}
        for path in self.sources:
            if match := PARTIAL.fullmatch(path):
                texts = [self._code(name) for name in self.needed(path) if PARTIAL.fullmatch(name)]
                found.setdefault(match[1], {})[match[2]] = any(re.search(r"\btarget\b", text) for text in texts)
        return found

    def unused_faults(self) -> list[str]:
        """Return what is wrong with files of policies/ that no grant has rendered: their names and their syntax."""
        faults = []
        for path in self.sources:
            folder, name = path.rpartition("/")[::2]
            if path.startswith("policies/") and folder.count("/") == 1 and name != "service.j2" and name[-3:] != ".md":
                match = PARTIAL.fullmatch(path)
                if not match or match[2] in ("none", "default"):
                    faults.append(
                        f"{path}: is no level: <level>.yml.j2, in small letters, digits and hyphens, not none or default"
                    )
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
        known = (aws_service, repr(grants))
        if known not in self._policies:
            name = self.name(aws_service)
            described, texts, size = [], [], checks.DOCUMENT_CHARACTERS
            for grant in grants:
                partial = partial_path(aws_service, grant.level)
                text, characters, _ = self._statements(partial, grant)
                described.append({"level": grant.level, "target": grant.target, "partial": partial})
                texts.append(text)
                size += characters
            self._policies[known] = Policy(name, described, "\n".join(texts), size)
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
            self._kinds[partial] = self._statements(partial, grant)[2]
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

    def _statements(self, partial: str, grant: Grant) -> tuple[str, int, str]:
        """Return the statements of a grant as YAML, their characters in IAM, and the kind of access they give."""
        target = grant.found_by and {"target": {"import": None, "name": None, "arn": None, **grant.found_by}}
        text = self.text(partial, **(target or {}))
        faults, characters, kind = checks.check_statements(text)
        self._raise(partial, target or {}, faults)
        return text.strip("\n"), characters, kind

    def template(self, service: str, environment: str, task_role: str, policies: list[Policy]) -> str:
        """Return the text of the template of `service` in `environment`; raise BadInput where it is faulty."""
        variables = {
            "service": service,
            "environment": environment,
            "task_role": task_role,
            "policies": [
                policy._replace(statements=Markup(f'- "statements of {policy.name}"'))  # noqa: S704 - a checked name
                for policy in policies
            ],
        }
        text = self.text(TEMPLATE, **variables)
        shape = shape_of(text, [task_role, service, environment, *targets_of(policies)])
        if shape not in self._sound:
            names = [policy.name for policy in policies]
            self._raise(TEMPLATE, variables, checks.template_faults(text, environment, names))
            self._sound.add(shape)
        statements = {policy.name: policy.statements for policy in policies}
        return PLACEHOLDER.sub(lambda found: indented(statements[found[2]], found[1]), text)

    def _call(self, name: str, function: Callable[[], Any]) -> Any:
        """Call `function`, which renders; turn whatever goes wrong in a template into BadInput with its place."""
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
            if isinstance(error, RecursionError):
                raise BadInput([f"{place}: includes itself, directly or through another file"]) from None
            raise BadInput([f"{place}: {error or type(error).__name__}"]) from None

    def _raise(self, name: str, variables: dict[str, Any], faults: list[checks.Fault]) -> None:
        """Raise BadInput for `faults`, of which each has a line of the output, with the line of the source instead."""
        if not faults:
            return
        marked = jinja_environment(self.sources, [LineMarks]).get_template(name).render(variables).split("\n")
        places = [origin(marked, line) or f"{name}:1" for line, _ in faults]
        used = [f" (used by {name})" if not place.startswith(f"{name}:") else "" for place in places]
        raise BadInput([f"{place}: {text}{by}" for place, (_, text), by in zip(places, faults, used, strict=True)])


def shape_of(text: str, values: list[str]) -> str:
    """Return `text` with each value masked: texts of one shape are sound together, and of one length throughout."""
    for value in values:
        text = text.replace(value, "_" * len(value))
    return text


def targets_of(policies: list[Policy]) -> list[str]:
    """Return the names of the targets that the comments above `policies` mention."""
    return [grant["target"] for policy in policies for grant in policy.grants if grant["target"]]


def partial_path(aws_service: str, level: str) -> str:
    """Return the path of the partial that holds `level` of `aws_service`."""
    return f"policies/{aws_service}/{level}.yml.j2"


class Compiled(jinja2.BytecodeCache):
    """What Jinja2 compiled before: compiling takes longer than all else in a render. Lives in one file."""

    def __init__(self, program: str) -> None:
        """Read what the same `program` (a digest of it, its libraries and Python) compiled; nothing if in doubt."""
        self.program = program
        self.codes: dict[str, bytes] = {}
        self.is_new = False
        content = read(COMPILED)
        if content[:32] == digest(program.encode() + content[32:]).encode():
            self.codes = marshal.loads(content[32:])  # noqa: S302 - of our own program, and whole, as the digest tells

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give Jinja2 the code of a template; Jinja2 compares the digest of the template's source."""
        if bucket.key in self.codes:
            bucket.bytecode_from_string(self.codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        self.codes[bucket.key] = bucket.bytecode_to_string()
        self.is_new = True

    def save(self) -> None:
        """Write the file, if there is anything new."""
        if self.is_new:
            content = marshal.dumps(self.codes)
            write_cache(COMPILED, digest(self.program.encode() + content).encode() + content)


def jinja_environment(
    sources: dict[str, str],
    extensions: Sequence[type[jinja2.ext.Extension]] = (),
    bytecode_cache: jinja2.BytecodeCache | None = None,
) -> jinja2.Environment:
    """Return the environment of all templates: strict, and every value that is not YAML already becomes a YAML string.

    Jinja2's autoescape tells the two apart: what a template or macro wrote is Markup, all else goes through `quoted`.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (sources[name], name, None) if name in sources else None),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=quoted,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
        extensions=extensions,
        bytecode_cache=bytecode_cache,
    )
    environment.filters["plain"] = plain
    return environment


def quoted(value: Any) -> Any:
    """Return text as a double-quoted YAML string that no content can leave; YAML from a template stays as it is."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if not value.isprintable() or '"' in value or "\\" in value:
        value = "".join(
            f"\\U{ord(character):08X}" if not character.isprintable() or character in '"\\' else character
            for character in value
        )
    return Markup(f'"{value}"')  # noqa: S704 - quoted just now


def plain(value: str) -> Markup:
    """Return a name for a place that takes no quotes (a key, a comment); raise ValueError if it could mean more."""
    if not PLAIN.fullmatch(value):
        message = f"{value!r} cannot stand here without quotes"
        raise ValueError(message)
    return Markup(value)  # noqa: S704 - letters, digits, ./_- only


def encodable(text: str) -> str:
    """Return `text`; raise UnicodeEncodeError if a template wrote half a character, which no file can hold."""
    if not text.isascii():
        text.encode()
    return text


def indented(text: str, indentation: str) -> str:
    """Return `text` with every line that is not empty indented."""
    return "\n".join(indentation + line if line else line for line in text.split("\n"))


class LineMarks(jinja2.ext.Extension):
    """Marks each line that a template writes with the place that wrote it, to name the source of a faulty line."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        """Return `source` with a mark at the start of each piece of text and of each line in it."""
        marked = []
        for first, token, value in self.environment.lexer.tokeniter(source, name):
            if token == "data":  # noqa: S105 - the lexer's word for text outside of tags
                lines = value.split("\n")
                last = len(lines) - 1
                marks = [f"\0{name}:{first + i}\0" if line or i < last else "" for i, line in enumerate(lines)]
                marked.append("\n".join(mark + line for mark, line in zip(marks, lines, strict=True)))
            else:
                marked.append(value)
        return "".join(marked)


def origin(marked: list[str], line: int) -> str:
    """Return the first mark on line `line` (counted from 0) of a marked output, or on the nearest line above."""
    for text in reversed(marked[: line + 1]):
        found = re.search("\0([^\0]+)\0", text)
        if found:
            return found[1]
    return ""


def place_in_templates(error: BaseException, sources: dict[str, str]) -> str:
    """Return the place of the innermost template in the traceback of `error`, if any."""
    place, trace = "", error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename in sources:
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
