"""What convolution and pooling share: padding with Keras's meaning, and how many windows fit."""

from __future__ import annotations

from torch import nn

from layerlab.layers import SamePadding
from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.layout import shown

__all__ = ["padded_window", "same_amounts", "windows_out"]


def same_amounts(kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return ``same`` as one number an axis, where it is alike on both sides for every input; None elsewhere."""
    totals = [gap * (size - 1) for gap, size in zip(dilation, kernel, strict=True)]
    if any(total % 2 for total in totals) or any(
        step != 1 and total for step, total in zip(stride, totals, strict=True)
    ):
        return None
    return tuple(total // 2 for total in totals)


def padded_window(
    call: LayerCall, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[nn.Module | None, tuple[int, ...]]:
    """Return what pads before a convolution, if anything must, and the convolution's own padding."""
    none = (0,) * len(kernel)
    padding = call.choice("padding", "valid", "same", *(["causal"] if call.layer.kind == "Conv1D" else []))
    if padding == "valid":
        return None, none
    if padding == "causal":
        return nn.ConstantPad1d((dilation[0] * (kernel[0] - 1), 0), 0.0), none
    amounts = same_amounts(kernel, stride, dilation)
    if amounts is not None:
        return None, amounts
    return SamePadding(kernel, stride, dilation), none


def windows_out(
    call: LayerCall, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int | None, ...]:
    """Return how many windows fit along each axis; an error says where there is none."""
    if call["padding"] == "valid" or call["padding"] == "VALID":
        for size, length, gap in zip(call.shape, kernel, dilation, strict=False):
            reach = gap * (length - 1) + 1
            if size is not None and size < reach:
                dilated = f" with dilation {shown(dilation)}" if max(dilation) > 1 else ""
                raise call.error(
                    f"has a window of {shown(kernel)}{dilated} and gets only {shown(call.shape[:-1])}; make the Input"
                    ' larger, or pad with padding="same"'
                )
        return tuple(
            None if size is None else (size - gap * (length - 1) - 1) // step + 1
            for size, length, step, gap in zip(call.shape, kernel, stride, dilation, strict=False)
        )
    return tuple(None if size is None else -(-size // step) for size, step in zip(call.shape, stride, strict=False))
