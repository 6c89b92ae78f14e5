"""Whole out/ trees for property tests, before and after: templates, environment.yml with parameters, and what is odd.

Little changes in each, so that what is said of it is about that.
"""

from __future__ import annotations

import copy
import json
from typing import Any, NamedTuple

from generated_templates import pairs, templates
from hypothesis import strategies as st

SERVICES = ("a", "b", "c")
ENVIRONMENTS = ("Dev", "Production")
SETTINGS = """\
environment: "{environment}"
names:
  stack: "x-{{service}}"
  template: "x-{{service}}.yml"
  policy: "{{AwsService}}-{{service}}"
parameters: {parameters}
"""
ODD_PATHS = (
    *(
        "out/x-a.yml",
        "out/Dev/x-a.json",
        "out/Dev/x-d.YML",
        "out/Dev/more/x-a.yml",
        "out/Dev/.x-a.yml",
        "out/.Dev/x.yml",
    ),
    *("out/Dev/x-\na.yml", "out/Dev/x-\u202ed.yml", "out/Dev/x-a", "out/ACCESS.md/x-a.yml", "out/Dev/x-a.yml.bak"),
)
ODD_KINDS = ("a symbolic link", "a submodule", "neither a file nor a folder")
VALUES = st.dictionaries(st.sampled_from(["P", "Q", "N"]), st.sampled_from(["a", "b", "*", "0", "1"]), max_size=2)


class Change(NamedTuple):
    """A change of out/: by environment and service a template before and after, by environment the values passed."""

    pairs: dict[tuple[str, str], tuple[Any, Any]]  # None: there is no template
    values: dict[str, tuple[dict[str, str], dict[str, str]]]
    odd: tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]  # by path: kind and text

    def files(self, side: int) -> dict[str, str]:
        """Return the files of one side by path."""
        found = {f"out/{name}/environment.yml": settings(name, each[side]) for name, each in self.values.items()}
        for (environment, service), pair in self.pairs.items():
            if pair[side] is not None:
                found[f"out/{environment}/x-{service}.yml"] = json.dumps(pair[side], ensure_ascii=False)
        return found | {path: text for path, (_, text) in self.odd[side].items()}

    def kinds(self, side: int) -> dict[str, str]:
        """Return the kinds of what is no file."""
        return {path: kind for path, (kind, _) in self.odd[side].items() if kind}


def settings(environment: str, parameters: dict[str, str]) -> str:
    """Return an environment.yml."""
    return SETTINGS.format(environment=environment, parameters=json.dumps(parameters))


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Return a change of a tree of a few templates: of one of them, or of what is around them."""
    places = draw(
        st.lists(
            st.tuples(st.sampled_from(ENVIRONMENTS), st.sampled_from(SERVICES)), min_size=1, max_size=3, unique=True
        )
    )
    how = draw(st.sampled_from(["template", "template", "new", "removed", "values", "values", "name", "name", "odd"]))
    found, changed = {}, draw(st.sampled_from(places))
    for place in places:
        pair = draw(pairs()) if how == "template" and place == changed else (draw(templates()),) * 2
        found[place] = tuple(renamed(each, place[1]) for each in pair)
    if how in ("new", "removed"):
        found[changed] = (None, found[changed][1]) if how == "new" else (found[changed][0], None)
    if how == "name":
        found[changed] = (found[changed][0], renamed(found[changed][1], draw(st.sampled_from(SERVICES)), changed[1]))
    values = {environment: (draw(VALUES),) * 2 for environment in ENVIRONMENTS}
    if how == "values":
        values[changed[0]] = (
            values[changed[0]][0],
            {name: draw(st.sampled_from(["a", "b", "*", "0"])) for name in values[changed[0]][0]},
        )
    return Change(found, values, draw(odd()) if how == "odd" else ({}, {}))


@st.composite
def odd(draw: st.DrawFn) -> Any:
    """Return what is odd before and after: something that comes, goes or changes."""
    path = draw(st.sampled_from((*ODD_PATHS, "out/Dev/x-a.yml", "out/Dev/environment.yml")))
    kind = draw(
        st.sampled_from(ODD_KINDS if path in ("out/Dev/x-a.yml", "out/Dev/environment.yml") else ("", *ODD_KINDS))
    )
    sides = [{}, {path: (kind, "a")}, {path: (kind, "b")}]
    first, second = draw(st.permutations([0, 1, 2]))[:2]
    return sides[first], sides[second]


def renamed(template: Any, service: str, was: str = "") -> Any:
    """Return a template whose policies have names of their service, as render.py makes them."""
    found = copy.deepcopy(template)
    for resource in found["Resources"].values():
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        name = properties.get("PolicyName") if isinstance(properties, dict) else None
        if isinstance(name, str):
            properties["PolicyName"] = f"{name.removesuffix(f'-{was}')}-{service}"
    return found
