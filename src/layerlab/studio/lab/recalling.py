"""What was asked here before: the experiments that the store has an answer to, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from typing_extensions import TypedDict

from layerlab.lab.question import list_questions, question
from layerlab.lab.store import Store
from layerlab.studio.lab.asking import Asked
from layerlab.studio.lab.composing import folder
from layerlab.studio.lab.naming import Named, Words, named_tasks, names_of

__all__ = ["Recalled", "asked_of", "recalled"]

MOST = 12


class Recalled(TypedDict):
    """An experiment that has an answer."""

    title: Words
    asked: dict[str, Any]
    """Asked again, it gives the same design."""
    tasks: list[Named]
    seeds: int
    date: str
    """ISO 8601, UTC."""


def recalled() -> list[Recalled]:
    """Return the answered experiments that a page can ask for, the newest first."""
    if not folder().exists():
        return []
    found: list[Recalled] = []
    with Store.open(folder()) as store:
        designs = [one for one in store.designs() if one.answered]
    for one in reversed(designs):
        design = one.design["design"]
        asked = asked_of(design)
        if asked is not None and len(found) < MOST:
            tasks = named_tasks(names_of(design["engine"]), design["tasks"])
            title = dict(one.design["title"])
            found.append({"title": title, "asked": asked, "tasks": tasks, "seeds": design["seeds"], "date": one.date})
    return found


def asked_of(design: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a page asks to get a design; None where it was asked in a way that a page has not."""
    if design["budget"] is not None:
        return None
    asked: dict[str, Any] = {"question": None, "own": None, "on": design["tasks"], "seeds": design["seeds"]}
    if design["question"] in list_questions():
        asked["question"] = design["question"]
        if list(question(design["question"]).variants[0].tasks) == list(design["tasks"]):
            asked["on"] = []
        return asked
    first = design["comparisons"][0]
    if len(design["comparisons"]) > 1 or not first["vary"]:
        return None
    equal = None if first["equal"] is None else first["equal"]["rule"]
    own = {name: first[name] for name in ("vary", "hold", "tune")}
    asked["own"] = {**own, "metric": first["metrics"][0], "equal": equal}
    try:
        return Asked.model_validate(asked).model_dump()
    except ValidationError:
        return None
