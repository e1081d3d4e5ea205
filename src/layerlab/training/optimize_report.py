"""What ``optimize`` tried, chose and left alone, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OptimizationReport", "Trial"]

_NAMED = 3


@dataclass(frozen=True)
class Trial:
    """One way to compute that was measured."""

    precision: str
    """``32`` or ``bf16``."""
    memory_format: str
    """``contiguous`` or ``channels_last``."""
    folded: bool
    """Whether norms are folded and layers joined."""
    milliseconds: float | None = None
    """Of the example, the shortest of several times; None where the network cannot be run in this way."""
    agreement: float | None = None
    """The share of the checked inputs whose most probable class is the original's; None where it was not needed."""
    difference: float | None = None
    """The largest difference from the original's outputs, relative to the largest of them."""
    note: str = ""
    """Why it was not taken, where its time is not the reason."""

    @property
    def name(self) -> str:
        """The way in words."""
        return f"{self.precision}, {self.memory_format}, {'folded' if self.folded else 'as it was'}"


@dataclass(frozen=True)
class OptimizationReport:
    """The record of an optimisation; ``print`` gives it as a table."""

    batch: tuple[int, ...]
    """The shape that was timed."""
    threads: int
    trials: tuple[Trial, ...]
    """In the order of trying; the first is the original."""
    chosen: Trial
    images: int
    """How many inputs the classes were compared on."""
    given: int
    """How many of these were given; the others are altered copies of them."""
    folded: tuple[str, ...]
    """Batch norms that are part of the layer before them."""
    left: dict[str, str]
    """Batch norms that are not, and why."""
    joined: int
    """Activations, additions and dropouts that no longer are passes of their own."""
    closed: dict[str, str]
    """Modules that are called as they stand (``""``: the network), and why."""
    warning: str = ""
    """What the optimisation had to do without."""

    @property
    def speedup(self) -> float:
        """How many times as fast as the original, as measured."""
        return (self.trials[0].milliseconds or 0) / (self.chosen.milliseconds or 1)

    def __str__(self) -> str:
        batch = " x ".join(map(str, self.batch))
        head = f"{'':2}{'precision':11}{'memory format':15}{'layers':11}{'ms':>9}{'same class':>12}{'difference':>12}"
        lines = [f"batch of {batch}, {self.threads} thread{'s' * (self.threads != 1)}", head]
        for trial in self.trials:
            taken = "* " if trial is self.chosen else "  "
            layers = "folded" if trial.folded else "as it was"
            time = "-" if trial.milliseconds is None else f"{trial.milliseconds:.2f}"
            same = "-" if trial.agreement is None else f"{trial.agreement:.1%}"
            off = "-" if trial.difference is None else f"{trial.difference:.1e}"
            row = f"{taken}{trial.precision:11}{trial.memory_format:15}{layers:11}{time:>9}{same:>12}{off:>12}"
            lines.append(row + (f"  {trial.note}" if trial.note else ""))
        lines.append(f"{self.speedup:.2f} times as fast; classes compared on {self.images} inputs ({self._kinds()})")
        total = len(self.folded) + len(self.left)
        lines.append(f"batch norms folded: {len(self.folded)} of {total}; steps joined with a layer: {self.joined}")
        lines += _named("left as a norm", self.left) + _named("called as it stands", self.closed)
        return "\n".join([*lines, self.warning] if self.warning else lines)

    def _kinds(self) -> str:
        altered = self.images - self.given
        return f"{self.given} given, {altered} altered copies of them" if altered else "all given"


def _named(title: str, reasons: dict[str, str]) -> list[str]:
    """Return a line for each reason, with the first few that it holds for."""
    lines = []
    for reason in dict.fromkeys(reasons.values()):
        paths = [path or "the network" for path, why in reasons.items() if why == reason]
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        lines.append(f"{title}, because {reason}: {', '.join(paths[:_NAMED])}{more}")
    return lines
