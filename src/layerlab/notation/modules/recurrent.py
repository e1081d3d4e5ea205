"""Recurrent layers with Keras's choices: which steps come out, backwards, both ways, other activations.

Sequences are (N, steps, features).
"""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["Bidirectional", "LoopGRU", "LoopLSTM", "LoopRNN", "Recurrent", "StepDropout"]


class StepDropout(nn.Module):
    """Dropout that leaves out the same features at every step of a sequence."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input, in training with some features zero at all steps."""
        if not self.training or self.rate == 0:
            return x
        mask = torch.ones_like(x[:, :1])
        return x * nn.functional.dropout(mask, self.rate)

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"rate={self.rate}"


class Recurrent(nn.Module):
    """A recurrent layer that gives its outputs at all steps, or the last one.

    Args:
        recurrent: an ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN`` with ``batch_first``, or one of the loops below.
        return_sequences: give (N, steps, units), not (N, units).
        backwards: read from the last step to the first; the outputs are in the order in which they were computed.
        dropout: of the features that come in, in training.
    """

    def __init__(
        self, recurrent: nn.Module, return_sequences: bool = False, backwards: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.dropout = StepDropout(dropout) if dropout else None
        self.recurrent = recurrent
        self.return_sequences = return_sequences
        self.backwards = backwards

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs at all steps, or at the last one."""
        if self.backwards:
            x = x.flip(1)
        if self.dropout is not None:
            x = self.dropout(x)
        outputs: torch.Tensor = self.recurrent(x)[0]
        return outputs if self.return_sequences else outputs[:, -1]

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"return_sequences={self.return_sequences}, backwards={self.backwards}"


class Bidirectional(nn.Module):
    """Two recurrent layers, one of which reads backwards, joined step by step.

    Args:
        forward_layer: reads from the first step to the last.
        backward_layer: reads from the last step to the first.
        merge_mode: ``concat``, ``sum``, ``ave`` or ``mul``.
    """

    def __init__(self, forward_layer: Recurrent, backward_layer: Recurrent, merge_mode: str = "concat") -> None:
        super().__init__()
        self.forward_layer = forward_layer
        self.backward_layer = backward_layer
        self.merge_mode = merge_mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return both ways joined."""
        ahead: torch.Tensor = self.forward_layer(x)
        back: torch.Tensor = self.backward_layer(x)
        if self.backward_layer.return_sequences:
            back = back.flip(1)
        if self.merge_mode == "concat":
            return torch.cat((ahead, back), -1)
        if self.merge_mode == "mul":
            return ahead * back
        return ahead + back if self.merge_mode == "sum" else (ahead + back) / 2

    def extra_repr(self) -> str:
        """Return how the two are joined."""
        return f'merge_mode="{self.merge_mode}"'


class LoopRNN(nn.Module):
    """A simple recurrent layer with any activation, step by step."""

    def __init__(self, inputs: int, units: int, activation: nn.Module, bias: bool = True) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(nn.init.xavier_uniform_(torch.empty(units, inputs)))
        self.weight_hh = nn.Parameter(nn.init.orthogonal_(torch.empty(units, units)))
        self.bias = nn.Parameter(torch.zeros(units)) if bias else None
        self.activation = activation

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the outputs at all steps, and the last."""
        inputs = nn.functional.linear(x, self.weight_ih, self.bias)
        h = inputs.new_zeros(x.shape[0], self.weight_hh.shape[0])
        outputs = []
        for step in inputs.unbind(1):
            h = self.activation(step + nn.functional.linear(h, self.weight_hh))
            outputs.append(h)
        return torch.stack(outputs, 1), h


class LoopLSTM(nn.Module):
    """An LSTM with any activations, step by step. Gates in the order input, forget, cell, output."""

    def __init__(
        self, inputs: int, units: int, activation: nn.Module, recurrent_activation: nn.Module, bias: bool = True
    ) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(nn.init.xavier_uniform_(torch.empty(4 * units, inputs)))
        self.weight_hh = nn.Parameter(nn.init.orthogonal_(torch.empty(4 * units, units)))
        self.bias = nn.Parameter(torch.zeros(4 * units)) if bias else None
        self.activation = activation
        self.recurrent_activation = recurrent_activation

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the outputs at all steps, and the last."""
        inputs = nn.functional.linear(x, self.weight_ih, self.bias)
        h = c = inputs.new_zeros(x.shape[0], self.weight_hh.shape[1])
        outputs = []
        for step in inputs.unbind(1):
            gates = step + nn.functional.linear(h, self.weight_hh)
            i, f, g, o = gates.chunk(4, 1)
            c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
            h = self.recurrent_activation(o) * self.activation(c)
            outputs.append(h)
        return torch.stack(outputs, 1), h


class LoopGRU(nn.Module):
    """A GRU with any activations, and with the reset gate before or after the matrix. Gates: update, reset, new.

    PyTorch's own has the reset gate after the matrix, as the first paper on the GPU code has it; the paper of the GRU
    has it before.
    """

    def __init__(
        self,
        inputs: int,
        units: int,
        activation: nn.Module,
        recurrent_activation: nn.Module,
        bias: bool = True,
        reset_after: bool = True,
    ) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(nn.init.xavier_uniform_(torch.empty(3 * units, inputs)))
        self.weight_hh = nn.Parameter(nn.init.orthogonal_(torch.empty(3 * units, units)))
        self.bias_ih = nn.Parameter(torch.zeros(3 * units)) if bias else None
        self.bias_hh = nn.Parameter(torch.zeros(3 * units)) if bias and reset_after else None
        self.activation = activation
        self.recurrent_activation = recurrent_activation
        self.reset_after = reset_after

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the outputs at all steps, and the last."""
        units = self.weight_hh.shape[1]
        inputs = nn.functional.linear(x, self.weight_ih, self.bias_ih)
        h = inputs.new_zeros(x.shape[0], units)
        outputs = []
        for step in inputs.unbind(1):
            zi, ri, ni = step.chunk(3, 1)
            if self.reset_after:
                zh, rh, nh = nn.functional.linear(h, self.weight_hh, self.bias_hh).chunk(3, 1)
                z, r = self.recurrent_activation(zi + zh), self.recurrent_activation(ri + rh)
                new = self.activation(ni + r * nh)
            else:
                zh, rh = nn.functional.linear(h, self.weight_hh[: 2 * units]).chunk(2, 1)
                z, r = self.recurrent_activation(zi + zh), self.recurrent_activation(ri + rh)
                new = self.activation(ni + nn.functional.linear(r * h, self.weight_hh[2 * units :]))
            h = z * h + (1 - z) * new
            outputs.append(h)
        return torch.stack(outputs, 1), h
