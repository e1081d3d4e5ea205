"""LeNet-5: the convolutional network that read cheques, as it was published and as it is taught today.

Yann LeCun, Léon Bottou, Yoshua Bengio, Patrick Haffner, *Gradient-Based Learning Applied to Document Recognition*,
Proceedings of the IEEE 86(11), 1998, section II.

The idea: strokes look alike wherever they stand, so one small kernel is learned for all places of the image. Halving
the maps between the convolutions makes the exact place matter less and less, while more maps tell more kinds of
strokes apart. Everything from the pixels to the class is learned together, by the gradient of one loss.

`lenet5`, as published:

| stage | output | parameters | connections |
| --- | --- | --- | --- |
| C1: convolution 5x5 | 6 x 28 x 28 | 156 | 122,304 |
| S2: subsampling 2x2, one coefficient and one bias a map | 6 x 14 x 14 | 12 | 5,880 |
| C3: convolution 5x5, each map from some of S2's (`CONNECTIONS`) | 16 x 10 x 10 | 1,516 | 151,600 |
| S4: subsampling 2x2 | 16 x 5 x 5 | 32 | 2,000 |
| C5: convolution 5x5 | 120 | 48,120 | 48,120 |
| F6: dense | 84 | 10,164 | 10,164 |
| output: squared distances to a drawing of each class, 7 x 12 = 84 pixels | 10 | | 840 |

1.7159 tanh(2/3 x) follows each stage but the last.

`lenet5_modern`: the same sizes, with C3 from all maps (2,416), max pooling without parameters, rectifiers, and a
dense layer of logits (850) in place of the distances. Its kernels start from He's normal distribution.

Differences from the paper:
- The network gives *minus* the distances, so that the largest output is the class, as in every other network here.
- The drawings of the ten digits are ours: the paper prints its own for all of ASCII. Fewer classes take the first
  ones; from the eleventh on, a class has a fixed pseudo-random code of 84 signs.
- The loss (`MapLoss`) has a constant j that the paper leaves open; here it is 10. In short trainings on
  3,600 digits 1 did as well and 84 worse (the distance of an answer that says nothing, all zeros, from every drawing).
- Biases and S2's and S4's coefficients are drawn as the weights are; the paper speaks of weights only.
- The paper trains with stochastic diagonal Levenberg-Marquardt; here any optimiser does.

Parameters: 60,000 and 340,908 connections (the paper, section II.B; by layer above). `lenet5_modern`: 61,706, by hand.
C3's 150,000 products are run as one dense convolution, zeros and all, which takes a tenth of the time of one in
groups, and is counted as the 240,000 products that it is.

What to try next: ``connections="full"`` (does the table help?), ``activation="relu"``, ``width=2``; then
`lenet5_modern` with ``pooling="average"`` or ``norm="batch"``. Inputs of mean 0 and variance 1 suit it: the paper's
background is -0.1 and its ink 1.175.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn
from torch.nn import init

from layerlab.layers import PartialConv2d, Subsampling2d
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import activate, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = [
    "CONNECTIONS",
    "DIGITS",
    "LeNet5",
    "LeNet5Modern",
    "MapLoss",
    "RadialBasis",
    "ScaledTanh",
]

# Table I of the paper: the maps of S2 that each map of C3 sees.
CONNECTIONS: tuple[tuple[int, ...], ...] = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),  # three neighbours
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),  # four neighbours
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),  # two and two
    (0, 1, 2, 3, 4, 5),
)

# What F6 should say for 0, 1, ... 9: ink is +1 and paper -1.
DIGITS = """
..###.. ...##.. .#####. ######. ....##. ####### ...###. ####### ..###.. ..###..
.##.##. ..###.. ##...## .....## ...###. ##..... ..##... ####### .##.##. .##.##.
##...## .####.. #.....# .....## ..####. ##..... .##.... .....## ##...## ##...##
##...## ...##.. .....## ....##. ..#.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. .....## ..###.. .##.##. ######. ##..... ....##. .##.##. ##...##
##...## ...##.. ....##. ....##. .#..##. ##..### ######. ...##.. ..###.. .######
##...## ...##.. ...##.. .....## ##..##. .....## ##..### ...##.. .##.##. ..#####
##...## ...##.. ..##... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## ....##.
.##.##. ...##.. ##..... .##.##. ....##. .##.##. .##.##. .##.... .##.##. ..###..
..###.. .###### ####### ..###.. ....##. ..###.. ..###.. .##.... ..###.. .##....
"""

_CODE = 84  # 7 x 12 pixels
_SOURCE = "LeCun, Bottou, Bengio, Haffner. Gradient-Based Learning Applied to Document Recognition. Proc. IEEE 1998"


class ScaledTanh(nn.Module):
    """The paper's squashing function, 1.7159 tanh(2/3 x): 1 stays 1, and -1 stays -1.

    Input shape:
        any.

    Output shape:
        as the input.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the squashed numbers."""
        return 1.7159 * torch.tanh(2 / 3 * x)


class RadialBasis(nn.Module):
    """Minus the squared distance of its input to each class's prototype, which is drawn by hand and not learned.

    Args:
        num_classes: rows that go out. The first ten prototypes are `DIGITS`; further ones are pseudo-random signs,
            the same everywhere.

    Input shape:
        (N, 84)

    Output shape:
        (N, num_classes), from minus infinity to 0.
    """

    prototypes: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        rows = [line.split() for line in DIGITS.split("\n") if line]
        drawn = ["".join(row[digit] for row in rows) for digit in range(len(rows[0]))]
        codes = [[1.0 if pixel == "#" else -1.0 for pixel in drawing] for drawing in drawn]
        codes += [_signs(number) for number in range(len(codes), num_classes)]
        self.register_buffer("prototypes", torch.tensor(codes[:num_classes]))

    def forward(self, x: Tensor) -> Tensor:
        """Return minus the distances. A matrix product would lose their digits in narrow numbers."""
        return -(x[:, None] - self.prototypes).square().sum(2)

    def extra_repr(self) -> str:
        """Return the argument."""
        return str(self.num_classes)


def _signs(number: int) -> list[float]:
    """Return 84 signs that depend on the number alone."""
    bits = int.from_bytes(hashlib.sha256(f"class {number}".encode()).digest())
    return [1.0 if bits >> place & 1 else -1.0 for place in range(_CODE)]


class MapLoss(nn.Module):
    """The paper's loss (equation 9): y_D + log(exp(-j) + sum over i of exp(-y_i)), y the distances, D the class.

    The first term draws the output to its class's prototype. The second pushes it away from the other prototypes,
    but not from those that are further than j: exp(-j) stands for an image of no class at all. Without it, and with
    logits in place of minus the distances, this is the cross-entropy.

    Args:
        j: the distance from which a prototype is far enough.

    Input shape:
        (N, classes), minus the distances, and (N,), the classes' numbers.

    Output shape:
        a single number, the mean over the images.
    """

    def __init__(self, j: float = 10.0) -> None:
        super().__init__()
        self.j = j

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss."""
        none_of_them = logits.new_full((len(logits), 1), -self.j)
        own = logits.gather(1, labels[:, None])[:, 0]
        return (torch.cat([logits, none_of_them], 1).logsumexp(1) - own).mean()


class LeNet5(nn.Module):
    """LeNet-5 as published. Its ``criterion`` is the paper's loss, which training minimises.

    Args:
        num_classes: prototypes of the output.
        in_channels: channels of the image.
        width: factor on the maps of C1, C3 and C5. The table of C3 is stretched with it: at width 2 each of its rows
            and columns stands for two maps. F6 keeps its 84 units, because they are the pixels of the drawings.
        activation: what follows each stage but the last: ``scaled_tanh`` or any other by name.
        connections: ``table`` for C3 as published, ``full`` for all maps to all.

    Input shape:
        (N, in_channels, 32, 32)

    Output shape:
        (N, num_classes), minus the distances.

    Raises:
        ValueError: a knob out of range.
    """

    criterion: nn.Module

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        width: float = 1.0,
        activation: str = "scaled_tanh",
        connections: str = "table",
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_choice("connections", connections, ("table", "full"))
        first, second, third = (scaled(maps, width) for maps in (6, 16, 120))

        self.c1 = nn.Conv2d(in_channels, first, 5)
        self.squash1 = _squash(activation, first)
        self.s2 = Subsampling2d(first)
        self.squash2 = _squash(activation, first)

        self.c3 = nn.Conv2d(first, second, 5) if connections == "full" else _partial(first, second, width)
        self.squash3 = _squash(activation, second)
        self.s4 = Subsampling2d(second)
        self.squash4 = _squash(activation, second)

        self.c5 = nn.Conv2d(second, third, 5)
        self.squash5 = _squash(activation, third)
        self.f6 = nn.Linear(third, _CODE)
        self.squash6 = _squash(activation, _CODE, dims=0)
        self.output = RadialBasis(num_classes)

        vars(self)["criterion"] = MapLoss()  # not among the modules: it is no layer, and has nothing to save
        for stage in (self.c1, self.s2, self.c3, self.s4, self.c5, self.f6):
            _draw(stage)

    def forward(self, x: Tensor) -> Tensor:
        """Return minus the distances."""
        x = self.squash1(self.c1(x))  # 6, 28, 28
        x = self.squash2(self.s2(x))  # 6, 14, 14

        x = self.squash3(self.c3(x))  # 16, 10, 10
        x = self.squash4(self.s4(x))  # 16, 5, 5

        x = self.squash5(self.c5(x))  # 120, 1, 1
        x = x.flatten(1)  # 120
        x = self.squash6(self.f6(x))  # 84
        x = self.output(x)  # 10
        return x


def _squash(name: str, channels: int, dims: int = 2) -> nn.Module:
    plain = name.casefold().replace("_", "") if isinstance(name, str) else ""
    return ScaledTanh() if plain == "scaledtanh" else activate(name, channels, dims=dims)


def _partial(first: int, second: int, width: float) -> PartialConv2d:
    """Return C3, its table stretched to so many maps."""
    rows = [CONNECTIONS[number * len(CONNECTIONS) // second] for number in range(second)]
    table = [[number for number in range(first) if number * 6 // first in row] for row in rows]
    if not all(table):
        raise ValueError(f'width {width!r} leaves maps of C3 without any input in the table; take connections="full"')
    return PartialConv2d(first, table, 5)


def _draw(stage: nn.Module) -> None:
    """Draw weights evenly from -2.4 / F to 2.4 / F, F being the inputs of a unit (the paper, appendix A)."""
    if isinstance(stage, PartialConv2d):
        parts = [(kernels.numel(), (kernels, bias)) for kernels, bias in stage.units()]
    elif isinstance(stage, Subsampling2d):
        parts = [(stage.kernel_size**2, (stage.coefficient, stage.bias))]
    elif isinstance(stage, (nn.Conv2d, nn.Linear)) and stage.bias is not None:
        parts = [(stage.weight[0].numel(), (stage.weight, stage.bias))]
    for fan_in, tensors in parts:
        for tensor in tensors:
            init.uniform_(tensor, -2.4 / fan_in, 2.4 / fan_in)


class LeNet5Modern(nn.Module):
    """LeNet-5 as it is taught today: rectifiers, max pooling, every map from all, logits.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on the widths 6, 16, 120 and 84.
        activation: of the hidden layers, by name.
        norm: behind the two convolutions: ``batch``, ``group``, ``layer`` or ``none``.
        dropout: rate before the last layer.
        pooling: ``max`` or ``average``.

    Input shape:
        (N, in_channels, 32, 32)

    Output shape:
        (N, num_classes), logits.

    Raises:
        ValueError: a knob out of range.
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        width: float = 1.0,
        activation: str = "relu",
        norm: str = "none",
        dropout: float = 0.0,
        pooling: str = "max",
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_fraction("dropout", dropout)
        check_choice("pooling", pooling, ("max", "average"))
        first, second, third, fourth = (scaled(units, width) for units in (6, 16, 120, 84))

        self.conv1 = _block(in_channels, first, activation, norm)
        self.pool1 = nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2)
        self.conv2 = _block(first, second, activation, norm)
        self.pool2 = nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2)

        self.dense1 = nn.Linear(25 * second, third)
        self.activation1 = activate(activation, third, inplace=True, dims=0)
        self.dense2 = nn.Linear(third, fourth)
        self.activation2 = activate(activation, fourth, inplace=True, dims=0)
        self.dropout = nn.Dropout(dropout)
        self.dense3 = nn.Linear(fourth, num_classes)
        he_normal(self, mode="fan_in")

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.conv1(x)  # 6, 28, 28
        x = self.pool1(x)  # 6, 14, 14

        x = self.conv2(x)  # 16, 10, 10
        x = self.pool2(x)  # 16, 5, 5

        x = x.flatten(1)  # 400
        x = self.activation1(self.dense1(x))  # 120
        x = self.activation2(self.dense2(x))  # 84
        x = self.dense3(self.dropout(x))  # 10
        return x


def _block(in_channels: int, channels: int, activation: str, norm: str) -> nn.Sequential:
    """Return a 5x5 convolution, its normalisation and its activation."""
    convolution = nn.Conv2d(in_channels, channels, 5, bias=norm == "none")
    return nn.Sequential(convolution, normalize(norm, channels), activate(activation, channels, inplace=True))


register(
    ModelInfo(
        name="lenet5",
        title="LeNet-5",
        family="lenet",
        year=1998,
        source=_SOURCE,
        input_shape=(1, 32, 32),
        smallest_input=32,
        fixed_size=True,
        parameters=60_000,
        macs=415_680,
        idea="small kernels shared over all places, and subsampling between them, learned from the pixels on",
        deviations="minus the distances go out; our drawings of the digits; j of the loss is 10; any optimiser",
        head="output",
    )
)(LeNet5)
register(
    ModelInfo(
        name="lenet5_modern",
        title="LeNet-5, modern form",
        family="lenet",
        year=None,
        source=f"after {_SOURCE}",
        input_shape=(1, 32, 32),
        smallest_input=32,
        fixed_size=True,
        parameters=61_706,
        macs=416_520,
        idea="LeNet-5's sizes with rectifiers, max pooling, full connections and logits",
        deviations="another network than the paper's: full C3, plain pooling, rectifiers, cross-entropy",
        parent="lenet5",
        head="dense3",
    )
)(LeNet5Modern)
