"""A run, read back from its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.training import Run, fit, load_run

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def run(place: Path) -> Run:
    return fit("small_nets:build", "digits", epochs=1, batch_size=128, output="one")


def test_it_comes_back_as_it_was(run: Run, same_run: Callable[[Run, Run], None]) -> None:
    again = load_run("one")
    same_run(run, again)
    assert again.metrics == run.metrics
    assert (again.classes, again.config, again.preprocessing) == (
        run.classes,
        {"format": 1, **run.config},
        run.preprocessing,
    )
    assert not again.model.training
    assert repr(again).startswith('Run("one", epochs=1, test_accuracy=0.')
    assert "<code>one</code>" in again._repr_html_()


def test_files_that_are_missing_cut_or_foreign_are_named(run: Run) -> None:
    weights = run.path / "model.safetensors"
    whole = weights.read_bytes()
    weights.unlink()
    assert torch.equal(load_run("one").model[0].weight, run.model[0].weight)  # best.ckpt holds the same
    (run.path / "best.ckpt").rename(run.path / "hidden")
    with pytest.raises(
        LayerlabError, match=r'^"one/model.safetensors" is missing, and the run has not finished an epoch$'
    ):
        load_run("one")
    weights.write_bytes(whole[:-40])
    with pytest.raises(
        LayerlabError,
        match=rf'^"one/model.safetensors" is cut: expected {len(whole):,} bytes, has {len(whole) - 40:,}$',
    ):
        load_run("one")
    weights.write_bytes(b"hello")
    with pytest.raises(LayerlabError, match=r'^"one/model.safetensors" is cut or no safetensors file .5 bytes.$'):
        load_run("one")
    weights.write_bytes(whole)
    text = (run.path / "config.json").read_text()
    (run.path / "config.json").write_text(text[:50])
    with pytest.raises(LayerlabError, match=r'^"one/config.json" is cut or not JSON .50 bytes.$'):
        load_run("one")
    (run.path / "config.json").write_text("{}")
    with pytest.raises(LayerlabError, match=r'^"one/config.json" was not written by Layerlab: it has no "training"$'):
        load_run("one")
    (run.path / "config.json").unlink()
    with pytest.raises(LayerlabError, match=r'^"one/config.json" is missing: "one" is no run folder'):
        load_run("one")
    with pytest.raises(LayerlabError, match=r'^no run folder "onee"; did you mean "one"'):
        load_run("onee")


def test_a_cut_checkpoint_is_named(run: Run) -> None:
    whole = (run.path / "last.ckpt").read_bytes()
    (run.path / "last.ckpt").write_bytes(whole[:1000])
    (run.path / "status.json").unlink()
    with pytest.raises(LayerlabError, match=r'^"one/last.ckpt" is cut or no checkpoint of Layerlab .1,000 bytes.$'):
        fit(resume="one")


def test_nothing_is_unpickled(run: Run) -> None:
    class Foreign:
        def __reduce__(self) -> object:
            return Path.write_text, (Path("ran"), "it ran")

    torch.save({"state": Foreign()}, run.path / "last.ckpt")
    (run.path / "status.json").unlink()
    with pytest.raises(LayerlabError, match=r"no checkpoint of Layerlab"):
        fit(resume="one")
    assert not Path("ran").exists()


def test_a_network_by_hand_must_be_given(make_net: Callable[..., nn.Module]) -> None:
    fit(make_net(), "digits", epochs=1, batch_size=256, output="hand")
    with pytest.raises(LayerlabError, match=r"built by hand \(Sequential\): give it, as load_run\(path, model=...\)$"):
        load_run("hand")
    assert load_run("hand", make_net(seed=5)).metrics["test_loss"] > 0


@pytest.mark.parametrize("name", ["results.json", "report.html", "model.safetensors"])
def test_what_a_finished_run_has_lost_is_written_again(
    name: str, run: Run, same_run: Callable[[Run, Run], None]
) -> None:
    Path("one", name).unlink()
    same_run(run, fit(resume="one"))
    assert Path("one", name).exists()


def test_a_run_with_whole_weights_can_be_used_whatever_its_checkpoint(run: Run) -> None:
    Path("one/results.json").unlink()
    Path("one/last.ckpt").write_bytes(b"half")
    assert load_run("one").history == []


def test_a_folder_that_was_left_before_the_first_step_is_used_again(run: Run) -> None:
    Path("two").mkdir()
    for name in (".lock", "status.json"):
        Path("two", name).write_text("{}")
    again = fit("small_nets:build", "digits", epochs=1, batch_size=128, output="two")
    assert again.metrics["test_loss"] == run.metrics["test_loss"]
