"""Every choice of a training run, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerlab.errors import LayerlabError
from layerlab.training import TrainingConfig
from layerlab.training.command import command_of


@given(
    st.builds(
        TrainingConfig,
        epochs=st.integers(1, 100),
        seed=st.integers(0, 2**63 - 1),
        batch_size=st.integers(1, 512),
        learning_rate=st.none() | st.floats(1e-6, 10),
        schedule=st.sampled_from(["one-cycle", "cosine", "step", "constant"]),
        mixup=st.floats(0, 2),
        early_stopping=st.none() | st.integers(1, 9),
    )
)
def test_it_survives_json(config: TrainingConfig) -> None:
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": 0}, "epochs is 0; expected a whole number from 1"),
        ({"epochs": 1.5}, "epochs is 1.5; expected a whole number from 1"),
        ({"batch_size": True}, "batch_size is True; expected a whole number from 1"),
        ({"seed": -1}, "seed is -1; expected a whole number from 0 to 2**63 - 1"),
        ({"learning_rate": 0}, "learning_rate is 0; expected a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; expected a number above 0"),
        ({"gradient_clip": float("inf")}, "gradient_clip is inf; expected a number above 0"),
        ({"label_smoothing": 1}, "label_smoothing is 1; expected from 0 up to, not including, 1"),
        ({"validation": 1.0}, "validation is 1.0; expected between 0 and 1, both excluded"),
        ({"early_stopping": 0}, "early_stopping is 0; expected a whole number from 1"),
        (
            {"schedule": "cosin"},
            "schedule 'cosin' is none of one-cycle, cosine, step, constant; did you mean \"cosine\"?",
        ),
        ({"precision": "64"}, "precision '64' is none of auto, 32, bf16, 16"),
        (
            {"precision": "16", "device": "cpu"},
            'precision "16" needs a CUDA device; on the processor use "bf16" or "auto"',
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LayerlabError) as error:
        TrainingConfig(**options)
    assert str(error.value) == sentence


def test_foreign_settings_are_refused() -> None:
    with pytest.raises(LayerlabError, match=r'^no training setting "epoch"; did you mean "epochs"?'):
        TrainingConfig.from_dict({"epoch": 3})
    with pytest.raises(LayerlabError, match=r"^the training settings are list"):
        TrainingConfig.from_dict([])


def test_a_conflict_is_what_was_set_and_differs() -> None:
    recorded = TrainingConfig(epochs=3, seed=5)
    assert TrainingConfig().conflict_with(recorded) is None
    assert TrainingConfig(epochs=3).conflict_with(recorded) is None
    assert TrainingConfig(epochs=4).conflict_with(recorded) == "epochs"


def test_the_command_says_what_differs_from_the_defaults() -> None:
    config = TrainingConfig(epochs=3, label_smoothing=0.1, checkpoint_minutes=1)
    assert command_of("my net.py", "./my images", config, {"skip_bad": True, "size": (32, 32)}) == (
        "layerlab train 'my net.py' --data './my images' --epochs 3 --label-smoothing 0.1 --skip-bad --size 32"
    )
    assert command_of(None, "digits", config, {}) == "layerlab.fit(model, 'digits', epochs=3, label_smoothing=0.1)"
    assert command_of("vgg", "digits", TrainingConfig(optimizer_options={"eps": 1e-3}), {"size": None}) == (
        "layerlab.fit('vgg', 'digits', optimizer_options={'eps': 0.001})"
    )
