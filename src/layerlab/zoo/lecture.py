"""The lecture's network: a small convolutional classifier that Keras users write on their first day.

Weronika Hryniewska, *Architektura głębokich sieci neuronowych* (course slides; the network after the activations).

The idea: two convolutions find strokes and their meetings; global average pooling then asks only *whether* a
pattern was seen, not where, so that the dense layers need 128 inputs and not 15,488. Batch normalisation keeps
the scale of both stages steady while they learn.

| stage | output | parameters |
| --- | --- | --- |
| convolution 3x3, 64, ReLU | 64 x 26 x 26 | 640 |
| max pooling 2x2 | 64 x 13 x 13 | |
| batch normalisation | 64 x 13 x 13 | 128 |
| convolution 3x3, 128, ReLU | 128 x 11 x 11 | 73,856 |
| global average pooling | 128 | |
| batch normalisation | 128 | 256 |
| dense 512, ReLU | 512 | 66,048 |
| dense 10, softmax | 10 | 5,130 |

Differences from the lecture: none known. Kernels start from Glorot's uniform distribution and biases from zero,
batch normalisation has epsilon 1e-3 and momentum 0.99, as in Keras, in whose words the lecture prints it.

Parameters: 146,058 learned (by hand, the table above; Keras adds the 384 running statistics: 146,442).

What to try next: ``activation="maxout"``, ``norm="none"`` or ``"layer"``, ``dropout=0.5``, ``width=0.25``; flattening
in place of the average.
"""

from __future__ import annotations

from torch import Tensor, nn

from layerlab.layers import GlobalAveragePool2d, convolution, dense
from layerlab.zoo.knobs import NORMS, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["LectureCNN", "lecture_cnn"]


class LectureCNN(nn.Module):
    """Two convolutions, global average pooling, two dense layers.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on the widths 64, 128 and 512.
        activation: of the hidden layers, by name (see :func:`layerlab.layers.activation`).
        norm: ``batch``, ``group``, ``layer`` or ``none``. Behind the global pooling a channel is one number, of which a
            group has too few: there ``group`` is ``layer``.
        dropout: rate before the last layer.

    Input shape:
        (N, in_channels, H, W), H and W at least 8.

    Output shape:
        (N, num_classes), rows that sum to one.

    Raises:
        ValueError: a knob out of range.
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        width: float = 1.0,
        activation: str = "relu",
        norm: str = "batch",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_choice("norm", norm, NORMS)
        check_fraction("dropout", dropout)
        first, second, hidden = (scaled(units, width) for units in (64, 128, 512))

        self.conv1 = convolution(in_channels, first, 3, activation=activation)
        self.pool1 = nn.MaxPool2d(2)
        self.norm1 = normalize(norm, first, epsilon=1e-3, momentum=0.01)

        self.conv2 = convolution(first, second, 3, activation=activation)
        self.pool2 = GlobalAveragePool2d()
        self.norm2: nn.Module = nn.BatchNorm1d(second, eps=1e-3, momentum=0.01)
        if norm != "batch":
            self.norm2 = normalize("layer" if norm == "group" else norm, second, epsilon=1e-3)

        self.dense1 = dense(second, hidden, activation=activation)
        self.dropout = nn.Dropout(dropout) if dropout else None
        self.dense2 = dense(hidden, num_classes, activation="softmax")

        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return class probabilities. Shapes for a 28 x 28 input and the default knobs."""
        x = self.conv1(x)  # 64, 26, 26
        x = self.pool1(x)  # 64, 13, 13
        x = self.norm1(x)

        x = self.conv2(x)  # 128, 11, 11
        x = self.pool2(x)  # 128
        x = self.norm2(x)

        x = self.dense1(x)  # 512
        if self.dropout is not None:
            x = self.dropout(x)
        x = self.dense2(x)  # 10
        return x


@register(
    ModelInfo(
        name="lecture_cnn",
        title="The lecture's network",
        family="lecture",
        year=None,
        source="W. Hryniewska, Architektura głębokich sieci neuronowych, course slides",
        input_shape=(1, 28, 28),
        smallest_input=8,
        parameters=146_058,
        macs=9_381_120,
        idea="two convolutions, then global average pooling asks whether a pattern was seen, not where",
        deviations="none known",
        head="dense2.dense",
    )
)
def lecture_cnn(
    num_classes: int = 10,
    in_channels: int = 1,
    width: float = 1.0,
    activation: str = "relu",
    norm: str = "batch",
    dropout: float = 0.0,
) -> LectureCNN:
    """Build :class:`LectureCNN`."""
    return LectureCNN(num_classes, in_channels, width, activation, norm, dropout)
