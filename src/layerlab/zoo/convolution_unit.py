"""The one layer that both Inception networks are made of: a convolution, its norm and its activation."""

from __future__ import annotations

from torch import Tensor, nn

from layerlab.zoo.knobs import activate, normalize

__all__ = ["ConvolutionUnit"]

_EPSILON = 1e-3


class ConvolutionUnit(nn.Module):
    """A convolution, normalised and activated.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel: side or (height, width) of the kernel.
        stride: of the kernel.
        padding: None for as much as keeps the size at stride 1.
        activation: by name.
        norm: by name; with ``none`` the convolution has a bias.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, H', W')

    Raises:
        ValueError: an unknown norm.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int | tuple[int, int] = 1,
        *,
        stride: int = 1,
        padding: int | None = None,
        activation: str = "relu",
        norm: str = "batch",
    ) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        around = (height // 2, width // 2) if padding is None else (padding, padding)
        self.conv = nn.Conv2d(in_channels, out_channels, (height, width), stride, around, bias=norm == "none")
        self.bn = normalize(norm, out_channels, epsilon=_EPSILON)
        self.activation = activate(activation, out_channels, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return activation(norm(convolution))."""
        x = self.bn(self.conv(x))
        x = self.activation(x)
        return x
