"""Activations by name: their formulas, their options, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from layerlab import LayerlabError
from layerlab.layers import ACTIVATIONS, activation, activation_names

X = torch.linspace(-7, 7, 113, dtype=torch.float64)[:112].reshape(4, 28)  # not exactly at any kink but zero

FORMULAS = {
    "celu": lambda x: torch.where(x >= 0, x, torch.expm1(x)),
    "elu": lambda x: torch.where(x >= 0, x, torch.expm1(x)),
    "exponential": lambda x: math.e**x,
    "gelu": lambda x: x * (1 + torch.erf(x / math.sqrt(2))) / 2,
    "hard_shrink": lambda x: x * (x.abs() > 0.5),
    "hard_sigmoid": lambda x: (x / 6 + 0.5).clamp(0, 1),
    "hard_swish": lambda x: x * (x / 6 + 0.5).clamp(0, 1),
    "hard_tanh": lambda x: x.clamp(-1, 1),
    "leaky_relu": lambda x: torch.maximum(0.1 * x, x),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: -torch.log1p(torch.exp(-x)),
    "log_softmax": lambda x: x - torch.exp(x).sum(-1, keepdim=True).log(),
    "maxout": lambda x: torch.maximum(x[:, 0::2], x[:, 1::2]),
    "mish": lambda x: x * torch.tanh(torch.log1p(torch.exp(x))),
    "prelu": lambda x: torch.where(x >= 0, x, 0.25 * x),
    "relu": lambda x: torch.maximum(torch.zeros_like(x), x),
    "relu6": lambda x: x.clamp(0, 6),
    "selu": lambda x: 1.0507009873554805 * torch.where(x >= 0, x, 1.6732632423543772 * torch.expm1(x)),
    "sigmoid": lambda x: 1 / (1 + torch.exp(-x)),
    "silu": lambda x: x / (1 + torch.exp(-x)),
    "soft_shrink": lambda x: torch.sign(x) * (x.abs() - 0.5).clamp(min=0),
    "softmax": lambda x: torch.exp(x) / torch.exp(x).sum(-1, keepdim=True),
    "softplus": lambda x: torch.log1p(torch.exp(x)),
    "softsign": lambda x: x / (1 + x.abs()),
    "swish": lambda x: x / (1 + torch.exp(-x)),
    "tanh": lambda x: (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
    "tanh_shrink": lambda x: x - torch.tanh(x),
}


def test_every_activation_has_its_formula_here():
    assert set(FORMULAS) == set(ACTIVATIONS)
    assert activation_names() == sorted(ACTIVATIONS)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_formula_and_gradient(name):
    ours, plain = X.clone().requires_grad_(), X.clone().requires_grad_()
    made, expected = activation(name).double()(ours), FORMULAS[name](plain)
    torch.testing.assert_close(made, expected)
    weights = torch.arange(expected.numel(), dtype=torch.float64).reshape(expected.shape)
    (made * weights).sum().backward()
    (expected * weights).sum().backward()
    away = X != 0  # at a kink, one slope is as good as the other
    torch.testing.assert_close(ours.grad[away], plain.grad[away])


@pytest.mark.parametrize("name", ["LeakyReLU", "leaky-relu", "leaky relu", "LEAKY_RELU"])
def test_spelling_of_a_name_does_not_matter(name):
    assert activation(name).negative_slope == 0.1


def test_options_reach_the_module():
    assert activation("leaky_relu", negative_slope=0.3).negative_slope == 0.3
    assert activation("elu", alpha=2).alpha == 2
    assert activation("softmax", dim=1).dim == 1
    assert activation("maxout", pieces=3).pieces == 3
    assert activation("softplus", beta=0.5).beta == 0.5
    assert activation("relu", inplace=True).inplace


def test_each_call_makes_a_new_module():
    assert activation("prelu") is not activation("prelu")


def test_the_softmaxes_are_pytorchs_own():
    # Training finds the last softmax of a network by its class, to compute the loss from the logits.
    assert type(activation("softmax")) is nn.Softmax
    assert type(activation("log_softmax")) is nn.LogSoftmax


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("reluu", {}, 'unknown activation "reluu"; did you mean "relu" or "relu6" or "prelu"?'),
        (None, {}, 'an activation is chosen by its name, such as "relu", not by None'),
        (
            "leaky_relu",
            {"slope": 0.2},
            'activation "leaky_relu" has no option "slope"; known: inplace, negative_slope',
        ),
        ("sigmoid", {"alpha": 1}, 'activation "sigmoid" has no option "alpha"'),
        ("elu", {"alpha": "1"}, "activation \"elu\": alpha must be a finite number, not '1'"),
        ("elu", {"alpha": math.nan}, 'activation "elu": alpha must be a finite number, not nan'),
        ("relu", {"inplace": 1}, 'activation "relu": inplace must be True or False, not 1'),
        ("softmax", {"dim": 1.0}, 'activation "softmax": dim must be a whole number, not 1.0'),
        ("maxout", {"pieces": 0}, 'activation "maxout": pieces must be a whole number of at least 1, not 0'),
        (
            "gelu",
            {"approximate": "tan"},
            'activation "gelu": approximate must be "none" or "tanh", not \'tan\'',
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(name, options, sentence):
    with pytest.raises(LayerlabError) as refusal:
        activation(name, **options)
    assert str(refusal.value) == sentence
