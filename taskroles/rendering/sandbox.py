"""Jinja2 for templates that anybody may have written: they run nothing but Jinja2, and not without end.

A partial comes with a pull request and is rendered by whoever checks or deploys that, with credentials around. So it sees
data alone (Jinja2's sandbox), and what it does is counted: turns of loops, calls, includes, characters.
"""

from __future__ import annotations

import contextlib
import re
import resource
import signal
from typing import TYPE_CHECKING, Any, NoReturn

import jinja2
from jinja2 import filters, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from taskroles.faults import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_STEPS = 100_000  # turns, calls and includes of one template; ours take some hundred
MOST_CHARACTERS = 10_000_000  # of one text; ACCESS.md of 10,000 services has three million
MOST_DIGITS = 100  # of a number, and the widest indentation
FILTERS = frozenset(
    """
    count d default dictsort first groupby int items last length list lower map max min reject rejectattr reverse
    safe select selectattr sort title trim truncate unique upper
    """.split()  # noqa: SIM905 - a word a line would fill the screen
)
METHODS = frozenset(
    """
    count endswith find isdigit join lower lstrip partition removeprefix removesuffix replace rpartition rsplit
    rstrip split startswith strip title upper
    """.split()  # noqa: SIM905 - a word a line would fill the screen
)  # of text; others make much of little, as center(1000000000)
SECONDS, GRACE = 60, 10  # of CPU time: 10,000 services take some 20
MEMORY = 4 << 30  # bytes


class TooMuch(BadInput):
    """A template that does more than one may; the message says what."""

    def __init__(self, what: str) -> None:
        super().__init__([what])


def too_long() -> NoReturn:
    """Refuse to make a text, a list or a number of such a size."""
    message = f"makes more than {MOST_CHARACTERS:,} characters"
    raise TooMuch(message)


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment in which templates reach no code, and in which what they do is bounded."""

    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def __init__(self, **options: Any) -> None:
        """Set it up with Jinja2's own options."""
        super().__init__(**options)
        self.steps = 0  # since a render began
        self.filters = {name: self.filters[name] for name in FILTERS}
        self.filters |= {
            "counted": self.counted,
            "scalar": scalar,
            "flat": flat,
            "indent": indent,
            "placed": placed,
            "join": join,
            "replace": replace,
        }
        self.globals = {"dict": flat_dict, "namespace": self.globals["namespace"], "range": self.range}

    def spend(self, steps: int = 1) -> None:
        """Count steps; raise TooMuch where a template takes too many."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            message = f"takes more than {MOST_STEPS:,} turns of loops, calls and includes"
            raise TooMuch(message)

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield what a loop goes through, and count its turns."""
        for item in items:
            self.spend()
            yield item

    def range(self, *arguments: int) -> range:
        """Return a range, counted whole."""
        found = range(*arguments)
        self.spend(len(found[: MOST_STEPS + 1]))
        return found

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        """Join what a template, a macro or a block has written."""
        pieces = list(pieces)
        if sum(map(len, pieces)) > MOST_CHARACTERS:
            too_long()
        return "".join(pieces)

    def wrap_str_format(self, value: Any) -> None:
        """Let no template format: widths of a text may be any."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Tell whether a template may have an attribute."""
        if attr in getattr(type(obj), "_fields", ()):  # of a named tuple: data
            return True
        return super().is_safe_attribute(obj, attr, value) and (not isinstance(obj, str) or attr in METHODS)

    def call(*arguments: Any, **named: Any) -> Any:  # a template may name an argument `self`
        """Call a macro or a function for a template; join and replace, of a text, as the filters of these names do."""
        environment, _, function, *given = arguments
        environment.spend()
        text, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
        if isinstance(text, str) and name == "join" and given:
            given[0] = list(given[0])
            bound_join(given[0], text)
        if isinstance(text, str) and name == "replace":
            bound_replace(text, *given[:2])
        return ImmutableSandboxedEnvironment.call(*arguments[:3], *given, **named)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Calculate for a template; refuse what makes much of little."""
        sizes = [len(each) if hasattr(each, "__len__") else abs(each) for each in (left, right)]
        of_numbers = not any(hasattr(each, "__len__") for each in (left, right))
        if operator == "%" and not of_numbers:
            message = "% calculates with numbers: join texts with ~"
            raise TooMuch(message)
        if operator == "**" and max(sizes) > MOST_DIGITS:
            too_long()
        if not of_numbers and (sizes[0] * sizes[1] if operator == "*" else sum(sizes)) > MOST_CHARACTERS:
            too_long()
        if of_numbers and max(sizes) > 10**MOST_DIGITS:
            too_long()
        return super().call_binop(context, operator, left, right)

    def _load_template(self, name: Any, globals: Any) -> jinja2.Template:  # noqa: A002 - as Jinja2 calls it
        self.spend()
        return super()._load_template(name, globals)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        for loop in template.find_all(nodes.For):
            if loop.recursive:
                message = "a loop cannot be recursive here"
                raise jinja2.TemplateSyntaxError(message, loop.lineno, name, filename)
            loop.iter = _filtered(loop.iter, "counted")
        for joined in template.find_all(nodes.Concat):
            joined.nodes = [_filtered(node, "scalar") for node in joined.nodes]
        for collection in template.find_all((nodes.List, nodes.Tuple)):
            if getattr(collection, "ctx", "load") == "load":
                collection.items = [_filtered(node, "flat") for node in collection.items]
        for pair in template.find_all(nodes.Pair):
            pair.value = _filtered(pair.value, "flat")
        for output in template.find_all(nodes.Output):
            output.nodes = [*_placed(output.nodes)]
        return template


def _placed(written: list[nodes.Expr]) -> Iterator[nodes.Expr]:
    """Yield what a template writes between two statements; what is called there, a macro, is told its column."""
    before = ""
    for node in written:
        if isinstance(node, nodes.TemplateData):
            before = node.data.rpartition("\n")[2]
            yield node
            continue
        begins = re.match("[ -]*", before)
        column = len(begins[0]) + 2 * (begins[0] != before)  # below a key, deeper than that
        yield _filtered(node, "placed", column) if column and isinstance(node, (nodes.Call, nodes.CondExpr)) else node
        before = ""


def _filtered(node: nodes.Expr, name: str, *arguments: int) -> nodes.Filter:
    constants = [nodes.Const(each, lineno=node.lineno) for each in arguments]
    return nodes.Filter(node, name, constants, [], None, None, lineno=node.lineno, environment=node.environment)


def scalar(value: Any) -> Any:
    """Return a value that a text is made of; raise TooMuch for a collection, or if it is too long."""
    if not isinstance(value, (str, int, float, jinja2.Undefined, type(None))):
        message = f"a {type(value).__name__.lower()} is no text: join a list, name a part of a map"
        raise TooMuch(message)
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        too_long()
    return value


def flat(value: Any) -> Any:
    """Return what stands in a list or a map; raise TooMuch for lists of lists, whose comparison might never end."""
    items = value.values() if isinstance(value, dict) else value
    if isinstance(value, (list, tuple, dict)) and any(isinstance(item, (list, tuple, dict)) for item in items):
        message = "lists and maps in lists stand one in the other, and no deeper"
        raise TooMuch(message)
    return value


def flat_dict(*given: Any, **named: Any) -> dict[str, Any]:
    """Return Python's dict of what may stand in one."""
    return {key: flat(value) for key, value in dict(*given, **named).items()}


def indent(text: str, width: int = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002
    """Indent as Jinja2 does, by no more than people do."""
    if width > MOST_DIGITS:
        too_long()
    return filters.do_indent(text, width, first, blank)


def placed(value: Any, column: int) -> Any:
    """Return what a macro wrote with each line but the first indented, as the first one is by where it stands."""
    if not isinstance(value, Markup) or "\n" not in value:
        return value
    return indent(value, min(column, MOST_DIGITS))


@jinja2.pass_eval_context
def join(context: nodes.EvalContext, items: Iterable[Any], between: str = "") -> str:
    """Join as Jinja2 does."""
    items = list(items)
    bound_join(items, between)
    return filters.sync_do_join(context, items, between)


def bound_join(items: Iterable[Any], between: str) -> None:
    """Refuse to join what is no text, or becomes too long."""
    if sum(len(str(scalar(item))) + len(between) for item in items) > MOST_CHARACTERS:
        too_long()


@jinja2.pass_eval_context
def replace(context: nodes.EvalContext, text: str, old: str, new: str) -> str:
    """Replace as Jinja2 does."""
    bound_replace(scalar(text), old, new)
    return filters.do_replace(context, text, old, new)


def bound_replace(text: str, old: str, new: str) -> None:
    """Refuse to replace where that becomes too long."""
    if len(text) + text.count(old) * len(new) > MOST_CHARACTERS:
        too_long()


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Bound what this process takes, in CPU time and memory, whatever it does meanwhile; raise TooMuch.

    A call into C that comes to no end is killed some seconds later, as no exception reaches it.
    """

    def refuse(*_: Any) -> NoReturn:
        message = f"takes more than {SECONDS} seconds of CPU time"
        raise TooMuch(message)

    taken = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(taken.ru_utime + taken.ru_stime) + SECONDS + GRACE
    before = {limit: resource.getrlimit(limit) for limit in (resource.RLIMIT_CPU, resource.RLIMIT_AS)}
    handler = signal.signal(signal.SIGPROF, refuse)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        for limit, most in ((resource.RLIMIT_CPU, cpu), (resource.RLIMIT_AS, MEMORY)):
            hard = before[limit][1]
            resource.setrlimit(limit, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
        for limit, soft_and_hard in before.items():
            resource.setrlimit(limit, soft_and_hard)
