from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from lab_engines import outcome_of, trials_of

from layerlab.errors import LayerlabError
from layerlab.lab.machine import this_machine
from layerlab.lab.store import Store
from layerlab.lab.tables import export, trials_frame
from layerlab.lab.trial import Outcome


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "lab") as opened:
        opened.add_design("d", {}, "")
        yield opened


def fill(store: Store, factors: list[dict[str, Any]]) -> None:
    trials = trials_of(len(factors))
    labels = [{"role": "answer", "arm": f"arm {n % 2}", "task": "spiral", "replicate": n} for n in range(len(factors))]
    store.link("d", [(t.key, {**label, "factors": one}) for t, label, one in zip(trials, labels, factors, strict=True)])
    store.put_many([(trial, outcome_of(trial)) for trial in trials], this_machine())


def test_one_row_a_trial(store: Store) -> None:
    fill(store, [{"depth": n % 3, "width": 8, "learning_rate": 0.03, "hidden": [8] * n} for n in range(6)])
    frame = trials_frame(store, "d")
    assert list(frame.columns) == [
        *("role", "arm", "task", "split", "initialisation", "order", "depth", "learning_rate", "hidden"),
        *("loss", "accuracy", "epochs_to_target", "failure", "seconds", "key"),
    ]
    assert len(frame) == 6
    assert list(frame["depth"]) == [0, 1, 2, 0, 1, 2]
    assert list(frame["hidden"][:3]) == ["[]", "[8]", "[8, 8]"]
    assert list(frame["loss"]) == [outcome_of(trial).values["loss"] for trial in trials_of(6)]
    assert frame["epochs_to_target"].isna().all()
    assert list(frame["key"]) == [trial.key for trial in trials_of(6)]
    assert frame.groupby("arm")["loss"].mean().shape == (2,)


def test_a_linked_trial_that_has_not_run_has_no_row(store: Store) -> None:
    fill(store, [{"depth": 1}, {"depth": 2}])
    store.link("d", [(trials_of(9)[8].key, {"role": "answer"})])
    assert len(trials_frame(store, "d")) == 2
    assert trials_frame(store, "nowhere").empty


def test_factors_of_several_kinds_or_a_taken_name(store: Store, tmp_path: Path) -> None:
    fill(store, [{"skip": True, "width": 1, "task": "a", "norm": None}, {"skip": 3, "width": 0.5, "task": "b"}])
    frame = trials_frame(store, "d")
    assert list(frame["skip"]) == ["true", "3"]
    assert list(frame["width"]) == [1, 0.5]
    assert list(frame["task"]) == ["spiral", "spiral"]
    assert list(frame["factor_task"]) == ["a", "b"]
    assert "norm" not in frame
    export(store, "d", tmp_path / "out", ["parquet"])


def test_every_format_says_the_same(store: Store, tmp_path: Path) -> None:
    fill(store, [{"depth": n, "activation": name} for n, name in enumerate(["relu", "tanh", 'a "quoted", one'])])
    frame = trials_frame(store, "d")
    paths = export(store, "d", tmp_path / "new" / "out")
    assert [path.name for path in paths] == ["trials.csv", "trials.parquet", "trials.json"]
    pd.testing.assert_frame_equal(pd.read_parquet(paths[1]), frame)
    csv = pd.read_csv(paths[0], keep_default_na=False, na_values={"epochs_to_target": [""]})
    pd.testing.assert_frame_equal(csv, frame, check_dtype=False)
    records = json.loads(paths[2].read_text())
    assert [record["outcome"]["values"]["loss"] for record in records] == list(frame["loss"])
    assert Outcome.from_dict(records[0]["outcome"]) == outcome_of(trials_of(1)[0])
    assert records[0]["label"]["factors"] == {"depth": 0, "activation": "relu"}
    assert records[0]["trial"] == trials_of(1)[0].to_dict()
    assert records[0]["machine"] == this_machine()
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["trials.csv", "trials.json", "trials.parquet"]


def test_what_cannot_be_exported_is_told(store: Store, tmp_path: Path) -> None:
    fill(store, [{}])
    with pytest.raises(LayerlabError, match='no format "parket"; did you mean "parquet"'):
        export(store, "d", tmp_path / "out", ["csv", "parket"])
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("")
    for name in ("csv", "parquet", "json"):
        with pytest.raises(LayerlabError, match=r'^cannot write ".*/file/trials\.') as caught:
            export(store, "d", tmp_path / "file", [name])
        assert "\n" not in str(caught.value)
