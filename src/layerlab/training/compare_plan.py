"""What is compared: checked before anything is trained, and the folder that belongs to it."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from layerlab.data import load_data
from layerlab.errors import LayerlabError, did_you_mean
from layerlab.training.config import TrainingConfig
from layerlab.training.fit import fit
from layerlab.zoo import create, read_spec, resolve
from layerlab.zoo.weights import weights_info
from layerlab.zoo.weights_published import PUBLISHED

__all__ = ["Plan", "folder_of"]

_FORMAT = 1
_NOT_OPTIONS = frozenset({"model", "data", "seed", "output", "resume", "progress", "callbacks"})
_OPTIONS = {name: one for name, one in inspect.signature(fit).parameters.items() if name not in _NOT_OPTIONS}
_LONGEST_NAME = 80
_NOT_ON_COMMAND_LINE = frozenset({
    "checkpoint_minutes", "channels", "devices", "download", "learning_rates", "nodes", "optimizer_options", "strategy",
})  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What is compared: two calls with the same plan are the same comparison."""

    models: list[str]
    texts: dict[str, str]
    """Digests of the files among them: an edited network is another one."""
    data: str
    seeds: list[int]
    options: dict[str, Any]
    """Those of ``fit`` that were given and differ from its defaults."""

    @classmethod
    def checked(
        cls,
        models: str | Sequence[str],
        data: str | os.PathLike[str],
        seeds: int | Sequence[int],
        options: Mapping[str, Any],
    ) -> Plan:
        """Refuse at once what would fail in every run."""
        names = [models] if isinstance(models, str) else list(models)
        chosen = _checked_options(options)
        settings = {entry.name for entry in fields(TrainingConfig)}
        TrainingConfig(**{name: value for name, value in chosen.items() if name in settings})
        numbers = _checked_seeds(seeds)
        texts = _checked_models(names)

        if not isinstance(data, (str, os.PathLike)):
            raise LayerlabError(f"the data is {type(data).__name__}; a comparison takes a name or a path")
        where = os.fspath(data)
        keys = [key for key in ("root", "size", "channels", "workers", "skip_bad", "download") if key in chosen]
        dataset = load_data(where, **{key: chosen[key] for key in keys})
        for name in names:
            named = read_spec(name)
            if named is None:  # a mistake in a user's own is told before anything is trained
                resolve(name, num_classes=len(dataset.classes), in_channels=dataset.shape[0])
            elif named[1]:
                create(named[0], device="meta", **named[1])
                if named[1].get("num_classes", len(dataset.classes)) != len(dataset.classes):
                    raise LayerlabError(
                        f'"{name}" gives {named[1]["num_classes"]} outputs and "{dataset.name}" has'
                        f" {len(dataset.classes)} classes: leave num_classes out"
                    )
        if (weights := chosen.get("weights")) is not None and weights not in PUBLISHED:
            weights_info(names[0], weights)  # which files and folders can be read as weights is the same for all
        return cls(names, texts, where, numbers, chosen)

    def to_json(self) -> str:
        """Return what the folder keeps of it."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=2) + "\n"

    @property
    def command(self) -> str:
        """The words that repeat it, or the call in Python where the command line has none."""
        seeds = self.seeds
        counted = seeds == list(range(len(seeds)))
        sayable = counted and all(isinstance(value, (bool, int, float, str)) for value in self.options.values())
        if not sayable or set(self.options) & _NOT_ON_COMMAND_LINE:
            given = "".join(f", {name}={value!r}" for name, value in self.options.items())
            return f"layerlab.compare({self.models!r}, {self.data!r}, seeds={seeds!r}{given})"
        words = ["layerlab", "compare", *self.models, "--data", self.data, "--seeds", str(len(seeds))]
        for name, value in self.options.items():
            option = "--data-root" if name == "root" else f"--{name.replace('_', '-')}"
            words += [option] if value is True else [option, str(value)]
        return shlex.join(words)


def _checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that say something; refuse those that ``fit`` has not."""
    for name in options:
        if name not in _OPTIONS:
            raise LayerlabError(f'compare has no option "{name}"{did_you_mean(name, _OPTIONS)}')
    chosen = {name: value for name, value in options.items() if value != _OPTIONS[name].default}
    if isinstance(freeze := chosen.get("freeze"), Sequence) and not isinstance(freeze, str):
        chosen["freeze"] = ",".join(freeze)
    return {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in chosen.items()}


def _checked_seeds(seeds: int | Sequence[int]) -> list[int]:
    if isinstance(seeds, bool) or not isinstance(seeds, (int, Sequence)) or isinstance(seeds, str):
        raise LayerlabError(f"seeds is {seeds!r}; expected how many, or a list of whole numbers")
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not numbers:
        raise LayerlabError(f"seeds is {seeds!r}; expected at least one")
    for seed in numbers:
        TrainingConfig(seed=seed)
    if len(set(numbers)) < len(numbers):
        raise LayerlabError(f"seeds is {seeds!r}; each seed counts once")
    return numbers


def _checked_models(names: list[str]) -> dict[str, str]:
    """Refuse what names no network, or one twice; return the digests of those that are files."""
    if not names:
        raise LayerlabError("compare what? Name at least one network")
    texts = {}
    for name in names:
        if not isinstance(name, str):
            raise LayerlabError(
                f"{type(name).__name__} is no name: every seed needs a fresh network, so that compare takes a zoo name,"
                " a file of Keras text or package.module:callable"
            )
        if name == "-":
            raise LayerlabError("standard input is read once and every run needs the text: name a file in place of -")
        if names.count(name) > 1:
            raise LayerlabError(f'"{name}" is named twice; the same seeds would give the same numbers')
        if read_spec(name) is not None:
            continue
        resolve(name)
        if Path(name).is_file():
            texts[name] = hashlib.sha256(Path(name).read_bytes()).hexdigest()
    return texts


def folder_of(output: str | os.PathLike[str] | None, plan: Plan) -> Path:
    """Return the folder of this very plan, old or new."""
    if output is None:
        name = "-".join([*plan.models, plan.data])
        name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)[:_LONGEST_NAME]
        number = 1
        while not _fits(path := Path("comparisons") / (name if number == 1 else f"{name}-{number}"), plan):
            number += 1
    else:
        path = Path(output)
        if path.exists() and not path.is_dir():
            raise LayerlabError(f'"{path}" is a file; expected a folder for the comparison')
        if not _fits(path, plan):
            raise LayerlabError(f'"{path}" {_difference(path, plan)}: give another output folder')
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LayerlabError(f'cannot make the folder "{path}": {error.strerror or error}') from error
    return path


def _fits(path: Path, plan: Plan) -> bool:
    """Tell whether the comparison may be kept there: a new or empty folder, or one of the same plan."""
    if not path.exists() or (path.is_dir() and not any(entry.name != ".lock" for entry in path.iterdir())):
        return True
    return bool(_read_plan(path) == json.loads(plan.to_json()))


def _read_plan(path: Path) -> dict[str, Any]:
    try:
        content = json.loads((path / "plan.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _difference(path: Path, plan: Plan) -> str:
    """Say why the folder is not this comparison's."""
    recorded = _read_plan(path)
    if not recorded:
        return "is not empty and holds no comparison"
    for name, value in json.loads(plan.to_json()).items():
        other = recorded.get(name)
        if other == value or name == "format":
            continue
        if name == "texts":
            edited = [file for file in value if value[file] != (other or {}).get(file)]
            return f"was begun with another text of {', '.join(edited) or 'its networks'}"
        return f"holds another comparison, of {name} {_shown(other)} and not {_shown(value)}"
    return "was written by another version of Layerlab"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={one}" for name, one in value.items()) or "at their defaults"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
