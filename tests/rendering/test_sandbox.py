"""What a partial of anybody's pull request cannot do: run code, or keep the renderer busy without end."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from in_process import refused
from project import HERE

from taskroles.rendering import state

if TYPE_CHECKING:
    from project import Project

PARTIAL = "policies/sqs/full.yml.j2"
STEPS = "takes more than 100,000 turns of loops, calls and includes"
LONG = "makes more than 10,000,000 characters"
DEEP = "lists and maps in lists stand one in the other, and no deeper"
CODE = {
    "the classes of a text": (
        "{{ ''.__class__.__mro__ }}",
        "access to attribute '__class__' of 'str' object is unsafe.",
    ),
    "the names behind a function": (
        "{{ refuse.__globals__['os'] }}",
        "access to attribute '__globals__' of 'function' object is unsafe.",
    ),
    "the names behind a macro": (
        "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
        "access to attribute '_func' of 'Macro' object is unsafe.",
    ),
    "what Jinja2 keeps of itself": ("{{ self._TemplateReference__context }}", "access to attribute"),
    "an attribute by a filter": (
        "{{ ['']|map(attribute='__class__')|first }}",
        "access to attribute '__class__' of 'str' object is unsafe.",
    ),
    "a filter that takes an attribute": ("{{ ''|attr('__class__') }}", "No filter named 'attr'."),
    "a function that Jinja2 comes with": ("{{ lipsum.__globals__ }}", "'lipsum' is undefined"),
    "a text's format": ("{{ '{0.__class__}'.format(1) }}", "access to attribute 'format' of 'str' object is unsafe."),
    "a list of ours": ("{% set x = policies.append(1) %}", "'policies' is undefined"),
    "an attribute of an attribute": (
        "{{ [{'a': 1}]|map(attribute='a.__class__')|first }}",
        "access to attribute '__class__' of 'int' object is unsafe.",
    ),
    "an attribute to sort by": (
        "{{ ['a', 'b']|sort(attribute='__class__.__mro__')|join }}",
        "access to attribute '__class__' of 'str' object is unsafe.",
    ),
    "a filter by its name": ("{{ ['']|map('attr', '__class__')|list }}", "No filter named 'attr'."),
    "the format of a text that is marked as safe": (
        "{{ ('{0.__class__}'|safe).format(1) }}",
        "access to attribute 'format' of 'Markup' object is unsafe.",
    ),
    "what goes on behind a loop": (
        "{% for i in [1] %}{{ loop._iterable }}{% endfor %}",
        "access to attribute '_iterable' of 'LoopContext' object is unsafe.",
    ),
    "another template, as an object": (
        "{% import 'policies/sqs/service.j2' as s %}{{ s._body_stream }}",
        "access to attribute '_body_stream' of 'TemplateModule' object is unsafe.",
    ),
    "what goes round": ("{{ cycler('a') }}", "'cycler' is undefined"),
    "a file of the machine": ("{% include '/etc/passwd' %}", "there is no /etc/passwd"),
    "a file above": ("{% include '../../etc/passwd' ignore missing %}{{ x }}", "'x' is undefined"),
    "something by chance": ("{{ [1, 2]|random }}", "No filter named 'random'."),
}
WITHOUT_END = {
    "a long range": ("{% for i in range(10**12) %}{% endfor %}", STEPS),
    "ranges in ranges": ("{% for i in range(999) %}{% for j in range(999) %}{% endfor %}{% endfor %}", STEPS),
    "loops without ranges": ("".join(f"{{% for {c} in '0123456789' %}}" for c in "abcdef") + "{% endfor %}" * 6, STEPS),
    "macros that call themselves twice": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
        STEPS,
    ),
    "a loop that calls itself": (
        "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "a loop cannot be recursive here",
    ),
    "a text, many times": ("{{ 'x' * 10**10 }}", LONG),
    "a list, many times": ("{% set x = [1] * 10**10 %}", LONG),
    "a large number": ("{{ 10**10**10 }}", LONG),
    "a number that grows": (
        "{% set n = namespace(x=10**99) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
        LONG,
    ),
    "powers of powers": ("{{ 9 ** 9 ** 9 }}", LONG),
    "arguments that double": (
        "{% macro m() %}{{ m(*(varargs + varargs)) }}{% endmacro %}{{ m(1) }}",
        LONG,
    ),
    "a text that is put in": ("{{ '%1000000000s' % 1 }}", "% calculates with numbers: join texts with ~"),
    "a text that grows": (
        "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        LONG,
    ),
    "a text that is added to itself": (
        "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        LONG,
    ),
    "a block that grows": (
        "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}{% endfor %}",
        LONG,
    ),
    "a filter that widens": ("{{ 'x'|center(10**9) }}", "No filter named 'center'."),
    "a method that widens": ("{{ 'x'.ljust(10**9) }}", "access to attribute 'ljust' of 'str' object is unsafe."),
    "a wide indentation": ("{{ 'x'|indent(10**9) }}", LONG),
    "a long text between others": ("{{ range(9999)|join('x' * 9999) }}", LONG),
    "a long text in place of others": ("{{ ('x' * 9999)|replace('x', 'y' * 9999) }}", LONG),
    "a method that joins": ("{{ ('x' * 9999).join(range(9999)) }}", LONG),
    "a method that replaces": ("{{ ('x' * 9999).replace('x', 'y' * 9999) }}", LONG),
    "lists of lists": (
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}",
        DEEP,
    ),
    "maps of maps": (
        "{% set n = namespace(x={}) %}{% for i in range(60) %}{% set n.x = dict(a=n.x, b=n.x) %}{% endfor %}",
        DEEP,
    ),
    "a list that is no text": ("{% set x = [1] %}{{ x }}", "a list is no text: join a list, name a part of a map"),
}


@pytest.mark.parametrize("name", CODE | WITHOUT_END)
def test_a_partial_is_refused_with(here: Project, name: str) -> None:
    text, message = (CODE | WITHOUT_END)[name]
    here.write(PARTIAL, f"{{# c #}}\n{text}\n")
    fault = refused(here)[0]
    assert fault.startswith(f"{PARTIAL}:2: {message}"), fault


@pytest.mark.parametrize("text", ["{#" * 200_000, "{% set options = " * 20_000, "{% set options = " + " " * 200_000])
def test_what_nothing_closes_is_looked_through_once(here: Project, text: str) -> None:
    here.write(PARTIAL, text)  # to look for its end once for each would take a minute and more, and be ended
    assert refused(here)[0].startswith(f"{PARTIAL}:1: ")


def test_files_that_include_each_other_twice_come_to_an_end(here: Project) -> None:
    path = "policies/sqs/level-{}.yml.j2".format
    for i in range(20):
        here.write(path(i), f'{{% include "{path(i + 1)}" %}}\n' * 2)
    here.write(path(20), "")
    here.write(PARTIAL, f'{{% include "{path(0)}" %}}\n')
    assert any(fault.endswith(f": {STEPS}") for fault in refused(here))


@pytest.mark.parametrize(("endless", "how"), [("while True: pass", "TooMuch"), ("a < b", "")])
def test_whatever_else_takes_long_is_ended(endless: str, how: str) -> None:
    program = "from taskroles.rendering import sandbox\nsandbox.SECONDS, sandbox.GRACE = 1, 1\n"
    program += "a, b = [1], [1]\nfor i in range(99): a, b = [a, a], [b, b]\n"  # a comparison in C, of 2**99 steps
    program += f"with sandbox.limited():\n    {endless}\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=HERE, capture_output=True, text=True, check=False)
    if how:
        assert done.stderr.splitlines()[-1].endswith("TooMuch: takes more than 1 seconds of CPU time")
    else:
        assert done.returncode == -signal.SIGXCPU


def test_a_check_believes_no_record(project: Project) -> None:
    project.render()
    path = "out/Dev/sample-ecs-taskrole-backend-cfn.yml"
    before, tampered = project.read(path), project.read(path).replace("sqs:*", "*")
    project.write(path, tampered)
    record = project.read(".cache/render")
    digests = (state.digest(text.encode()) for text in (before, tampered))
    project.write(".cache/render", record.replace(*digests))
    assert project.render().startswith("out/ is up to date")  # a record is believed where nothing hangs on it
    done = project.run("render.py", "--check")
    assert (done.returncode, done.stderr) == (1, "out/ is stale, 1 file: run `make render` and commit out/\n")


def test_no_cache_holds_anything_that_runs(project: Project) -> None:
    project.render()
    assert sorted(path.name for path in (project.folder / ".cache").iterdir()) == ["lock", "render"]
    assert "".join(project.read(".cache/render").split()).isprintable()
