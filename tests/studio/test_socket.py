from __future__ import annotations

import gc
import itertools
import json
import time
import weakref

import numpy as np
import pytest

from layerlab.playground.session import Session
from layerlab.playground.specification import Specification
from layerlab.studio.frames import paint

CLASSIC = "activation=relu&batchSize=5&dataset=xor&networkShape=3&seed=0.25&xSquared=true&hideText=true&play_hide=true"


def same(picture, session: Session) -> None:
    """Assert that a frame shows exactly this session."""
    header, arrays = picture
    assert (header["epoch"], header["iteration"]) == (session.epoch, session.iteration)
    np.testing.assert_array_equal(arrays["weights"], np.concatenate([w.ravel() for w in session.weights]).astype("f4"))
    np.testing.assert_array_equal(arrays["biases"], np.concatenate([b.ravel() for b in session.biases]).astype("f4"))
    assert (header["train_loss"], header["test_loss"]) == session.network.evaluate()


def test_open_gives_the_state_then_the_points_then_a_picture(page) -> None:
    state = page.call("open", link=CLASSIC)
    session = Session(CLASSIC)
    assert state["specification"] == session.specification.to_dict()
    assert state["page"] == {"hideText": "true", "play_hide": "true"}
    assert Session(state["link"]).specification == session.specification
    assert "hideText=true" in state["link"]
    assert [layer["units"] for layer in state["network"]["layers"]] == [3, 1]
    assert [layer["inputs"] for layer in state["network"]["layers"]] == [3, 3]
    assert state["network"]["features"] == ["x", "y", "xSquared"]
    assert (state["epoch"], state["iteration"], state["history"]) == (0, 0, [0])
    assert state["points"] == {"train": 250, "test": 250}
    assert page.take() is None
    assert page.take() is None
    (data, points), (header, arrays) = page.frames
    assert (data["kind"], header["kind"], header["playing"]) == ("data", "frame", False)
    np.testing.assert_array_equal(points["train"], session.points.train.astype("f4"))
    np.testing.assert_array_equal(points["test"], session.points.test.astype("f4"))
    same((header, arrays), session)
    assert arrays["losses"].tolist() == [list(session.losses[0])]
    assert page.quiet() == 0, "a network that rests sends nothing"


def test_maps_show_every_unit_and_the_output(opened) -> None:
    opened.call("step", epochs=20)
    _, arrays = opened.picture(lambda header: header["epoch"] == 20)
    session = Session("")
    session.step(20)
    small = np.concatenate([paint(part) for part in session.maps(50)])
    assert np.abs(arrays["maps"].astype(int) - small).max() <= 1
    large = session.maps(100)
    assert np.abs(arrays["map"].astype(int) - paint(large[-1][0])).max() <= 1
    for layer, unit in ((-1, 1), (0, 3), (1, 0), (2, 0)):
        opened.call("select", map=[layer, unit])
        _, arrays = opened.picture()
        assert np.abs(arrays["map"].astype(int) - paint(large[layer + 1][unit])).max() <= 1
    opened.call("select", map=None)
    _, arrays = opened.picture()
    assert np.abs(arrays["map"].astype(int) - paint(large[-1][0])).max() <= 1


def test_several_classes_come_as_the_likeliest_with_its_confidence(page) -> None:
    specification = Specification(dataset="gauss", classes=4, loss="cross-entropy", optimizer="adam")
    page.call("open", link="")
    page.call("change", changes=specification.to_dict())
    page.call("step", epochs=10)
    _, arrays = page.picture(lambda header: header["epoch"] == 10)
    session = Session(specification)
    session.step(10)
    classes = np.stack(session.maps(100)[-1])
    np.testing.assert_array_equal(arrays["map"], classes.argmax(axis=0))
    assert np.abs(arrays["confidence"].astype(int) - 255 * classes.max(axis=0)).max() <= 1


def test_steps_are_the_sessions_own(opened) -> None:
    session = Session("")
    for arguments, move in (
        ({}, lambda: session.step_minibatches(1)),
        ({"minibatches": 7}, lambda: session.step_minibatches(7)),
        ({"epochs": 1}, session.step),
        ({"epochs": 30}, lambda: session.step(30)),
    ):
        opened.call("step", **arguments)
        move()
        same(opened.picture(lambda header: not header["playing"]), session)


def test_every_loss_comes_once_and_in_order(opened) -> None:
    opened.call("reset")
    opened.picture()
    opened.call("play", epochs=3, frames=60, stop={"epoch": 300})
    points = [[0.0, *Session("").losses[0][1:]]]
    while True:
        header, arrays = opened.picture()
        assert header["losses_from"] == len(points)
        points += arrays["losses"].tolist()
        if not header["playing"]:
            break
    session = Session("")
    session.step(300)
    assert points == [list(row) for row in session.losses]


def test_a_very_long_curve_comes_thinned_but_whole(opened) -> None:
    opened.call("reset")
    held: list[list[float]] = []
    opened.call("step", epochs=9000)
    while True:
        header, arrays = opened.picture()
        held = held[: header["losses_from"]] + arrays["losses"].tolist()
        if header["epoch"] == 9000:
            break
    assert len(held) <= 4000
    epochs = [row[0] for row in held]
    assert epochs == sorted(set(epochs))
    assert (epochs[0], epochs[-1]) == (0, 9000)


@pytest.mark.alone
def test_play_goes_at_its_pace_and_pause_stops_it(opened) -> None:
    opened.call("reset")
    opened.call("play", minibatches=1, frames=20)
    start = time.monotonic()
    first, _ = opened.picture(lambda header: header["playing"])
    last, _ = opened.picture(lambda header: header["iteration"] >= first["iteration"] + 10)
    assert 0.3 < time.monotonic() - start < 3
    opened.call("pause")
    header, _ = opened.picture(lambda header: not header["playing"])
    assert header["iteration"] >= last["iteration"]
    assert opened.quiet() == 0


@pytest.mark.parametrize("unit", ["minibatches", "epochs"])
def test_play_stops_at_an_epoch(opened, unit: str) -> None:
    opened.call("reset")
    opened.call("play", **{unit: 40}, frames=60, stop={"epoch": 7})
    assert opened.event("stopped") == {"event": "stopped", "reason": "epoch", "epoch": 7}
    session = Session("")
    session.step(7)
    same(opened.picture(lambda header: not header["playing"]), session)


def test_play_stops_at_a_loss(opened) -> None:
    opened.call("reset")
    opened.call("play", epochs=100, frames=60, stop={"loss": 0.05})
    stopped = opened.event("stopped")
    session = Session("")
    while session.losses[-1][2] > 0.05:
        session.step()
    assert (stopped["reason"], stopped["epoch"]) == ("loss", session.epoch)


def test_live_changes_keep_the_weights_and_others_begin_again(opened) -> None:
    opened.call("step", epochs=5)
    changed = opened.call("change", changes={"learning_rate": 0.1, "batch_size": 20})
    assert (changed["restarted"], changed["epoch"]) == (False, changed["epoch"])
    assert changed["epoch"] >= 5
    changed = opened.call("change", changes={"hidden_layers": [3]}, page={"showTestData": "true"})
    assert (changed["restarted"], changed["epoch"]) == (True, 0)
    assert "showTestData=true" in changed["link"]
    header, arrays = opened.picture(lambda header: header["epoch"] == 0)
    assert header["losses_from"] == 0
    assert arrays["biases"].shape == (4,)


def test_reset_rewind_and_regenerate(opened) -> None:
    opened.call("reset")
    initial = opened.picture()[1]["weights"]
    opened.call("step", epochs=10)
    opened.picture(lambda header: header["epoch"] == 10)
    assert opened.call("rewind", epoch=4)["epoch"] == 4
    session = Session("")
    session.step(4)
    picture = opened.picture()
    same(picture, session)
    assert picture[0]["losses_from"] == 0
    assert len(picture[1]["losses"]) == 5
    assert opened.call("reset", new_weights=False)["epoch"] == 0
    np.testing.assert_array_equal(opened.picture()[1]["weights"], initial)
    before = opened.call("regenerate")
    assert before["specification"]["seed"] != "0.5"
    _, points = opened.picture(kind="data")
    assert not np.array_equal(points["train"], Session("").points.train.astype("f4"))
    np.testing.assert_array_equal(opened.picture()[1]["weights"], initial)
    fresh = opened.call("reset", new_weights=True)
    assert fresh["specification"]["weight_seed"]
    assert not np.array_equal(opened.picture()[1]["weights"], initial)


def test_edit_and_freeze(opened) -> None:
    opened.call("edit", layer=1, unit=1, source=2, value=3.25)
    assert opened.picture()[1]["weights"][4 * 2 + 4 + 2] == 3.25
    opened.call("edit", layer=2, unit=0, source=-1, value=-0.5)
    assert opened.picture()[1]["biases"][-1] == -0.5
    state = opened.call("freeze", layer=1, unit=1, source=2, frozen=True)
    assert state["specification"]["frozen"] == [[1, 1, 2]]
    assert np.flatnonzero(opened.picture()[1]["frozen"]).tolist() == [14]
    opened.call("step", epochs=3)
    assert opened.picture(lambda header: header["epoch"] >= 3)[1]["weights"][14] == 3.25
    assert opened.call("freeze", layer=1, unit=1, source=2, frozen=False)["specification"]["frozen"] == []


def test_a_maxout_piece_is_edited_alone(page) -> None:
    page.call("open", link="")
    state = page.call("change", changes={"activation": "maxout"})
    assert state["network"]["layers"][0]["pieces"] == 2
    page.call("edit", layer=0, unit=1, source=1, piece=1, value=9)
    _, arrays = page.picture(lambda header: True)
    while 9 not in arrays["weights"]:
        _, arrays = page.picture()
    assert np.flatnonzero(arrays["weights"] == 9).tolist() == [1 * 4 + 1 * 2 + 1]


def test_frames_carry_metrics_and_health_only_when_watched(opened) -> None:
    opened.call("step")
    assert not {"metrics", "health"} & set(opened.picture()[0])
    opened.call("watch", metrics=True, health=True)
    header, _ = opened.picture()
    assert 0 <= header["metrics"]["train"]["accuracy"] <= 1
    assert len(header["health"]["layers"]) == 3
    opened.call("watch", health=False)
    header, _ = opened.picture()
    assert "metrics" in header
    assert "health" not in header


def test_divergence_is_told_with_its_remedy_and_stops(page) -> None:
    page.call("open", link="activation=linear&learningRate=10&problem=regression&regDataset=reg-plane")
    page.call("play", epochs=1, frames=60)
    event = page.event("diverged")
    assert event["sentence"]
    assert {"step", "layer", "largest_weight", "largest_gradient", "remedy"} <= set(event)
    assert page.error("play")["key"] == "error.diverged"
    assert page.error("step")["key"] == "error.diverged"
    page.call("rewind", epoch=0)
    page.call("step")


def test_seeds_are_what_each_alone_would_be(opened) -> None:
    reply = opened.call("seeds", count=5, epochs=12)
    assert reply["seeds"] == ["0", "1", "2", "3", "4"]
    header, arrays = opened.picture(lambda header: header["finished"], kind="seeds")
    assert (header["done"], header["total"], header["epochs"]) == (5, 5, 12)
    for index in range(5):
        alone = Session(Specification(seed=str(index)))
        alone.step(12)
        np.testing.assert_array_equal(arrays["curves"][index], np.array(alone.losses, "f4"))
        np.testing.assert_array_equal(arrays["final"][index], np.array(alone.losses[-1][1:], "f4"))
        assert np.abs(arrays["maps"][index].astype(int) - paint(alone.maps(50)[-1][0])).max() <= 1
    state = opened.call("open_seed", index=3)
    assert state["specification"]["seed"] == "3"
    alone = Session(Specification(seed="3"))
    alone.step(12)
    same(opened.picture(lambda header: header["epoch"] == 12), alone)


def test_curves_of_seeds_grow_while_the_tab_goes_on_and_can_be_ended(opened) -> None:
    opened.call("seeds", seeds=["a", 7, "b"], epochs=10_000)
    first, _ = opened.picture(lambda header: not header["finished"], kind="seeds")
    assert first["seeds"] == ["a", "7", "b"]
    later, arrays = opened.picture(kind="seeds")
    assert later["done"] < 3
    assert arrays["curves"].shape[1] <= 252
    before = opened.call("step")
    assert before["ok"]
    opened.call("cancel")
    opened.quiet(0.2)
    opened.frames.clear()
    opened.quiet(0.3)
    assert not opened.frames


def test_own_points_from_a_list_and_from_a_table(opened) -> None:
    points = [[1, 1, 1], [2, 2, -1], [-3, 1, 1], [0, 0, -1]]
    state = opened.call("points", points=points)
    assert state["specification"]["dataset"] == "points"
    assert state["points"] == {"train": 2, "test": 2}
    state = opened.call("points", csv="x;y;kind\n1,5;2;cat\n-3;4;dog\n0;0;cow\n")
    assert state["classes"] == ["cat", "cow", "dog"]
    assert state["specification"]["classes"] == 3
    assert state["specification"]["points"][0] == [1.5, 2, 0]
    state = opened.call("points", csv="1 2 0.5\n3 4 0.7", regression=True)
    assert state["specification"]["regression_dataset"] == "points"
    parts = opened.call("data")
    assert len(parts["train"]) + len(parts["test"]) == 2
    assert parts["csv"].splitlines()[0] == "x,y,label,part"


def test_code_and_the_inside_of_a_step(opened) -> None:
    assert "nn." in opened.call("code", framework="pytorch")["source"]
    assert "keras" in opened.call("code", framework="keras")["source"]
    trace = opened.call("inside", x=1, y=-2, label=1)["trace"]
    assert trace
    assert json.dumps(trace)


def test_a_tab_that_is_closed_leaves_nothing(served) -> None:
    with served.connect() as connection:
        connection.send('{"id": 1, "do": "open"}')
        connection.recv()
        connection.send('{"id": 2, "do": "play"}')
        connection.send('{"id": 3, "do": "seeds", "count": 4, "epochs": 10000}')
        for _ in range(10):
            connection.recv()
        held = [weakref.ref(kept) for tab in served.tabs for kept in (tab, tab.session, tab.seed_run)]
        assert len(held) == 3
    end = time.monotonic() + 5
    while any(reference() is not None for reference in held) and time.monotonic() < end:
        gc.collect()
        time.sleep(0.02)
    assert [reference() for reference in held] == [None] * len(held)
    assert not served.tabs


def test_two_tabs_know_nothing_of_each_other(served) -> None:
    with served.connect() as one, served.connect() as other:
        for connection, link in ((one, "networkShape=1"), (other, "networkShape=2")):
            connection.send(json.dumps({"id": 1, "do": "open", "link": link}))
        layers = [json.loads(connection.recv())["network"]["layers"][0]["units"] for connection in (one, other)]
        assert layers == [1, 2]


def test_a_page_that_does_not_read_gets_new_frames_not_old_ones(served) -> None:
    with served.connect() as connection:
        connection.send('{"id": 1, "do": "open"}')
        connection.send('{"id": 2, "do": "play", "epochs": 1, "frames": 60}')
        time.sleep(3)
        [tab] = served.tabs
        epoch = tab.session.epoch
        assert epoch > 60, "training does not wait"
        epochs = []
        for _ in itertools.count():
            message = connection.recv(timeout=5)
            if isinstance(message, bytes):
                length = int.from_bytes(message[:4], "little")
                header = json.loads(message[4 : 4 + length])
                if header["kind"] == "frame":
                    epochs.append(header["epoch"])
            if epochs and epochs[-1] >= epoch:
                break
        assert len(epochs) < epoch / 1.2, "frames were dropped"
