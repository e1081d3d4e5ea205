"""What one studio gives to its visitors at most."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds that keep one tab from taking what belongs to the others; each has a message of its own."""

    tabs: int = 64
    """Open tabs, each with a session."""
    message_bytes: int = 1_000_000
    """One message that carries points."""
    command_bytes: int = 64_000
    """Any other message."""
    commands_per_second: float = 200.0
    """Beyond it a tab's commands wait."""
    points: int = 2_000
    seeds: int = 64
    seed_epochs: int = 10_000
    """Epochs of one run over seeds."""
    step_epochs: int = 100_000
    """Epochs, or minibatches, of one step."""
    frames_per_second: float = 60.0
    slice_seconds: float = 0.008
    """Training between two looks at the other tabs."""
