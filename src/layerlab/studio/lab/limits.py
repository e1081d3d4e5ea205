"""What one experiment may take of the machine that serves the studio."""

from __future__ import annotations

from dataclasses import dataclass

from layerlab.studio.command_error import CommandError

__all__ = ["LabLimits"]


@dataclass(frozen=True)
class LabLimits:
    """Bounds of each experiment, each with a message of its own; and of the queue, which all share."""

    seeds: int = 1000
    trainings: int = 200_000
    arms: int = 1000
    seconds: float = 24 * 3600.0
    """Until it is stopped; what has been trained is kept."""
    queue: int = 20
    """Experiments that may wait."""
    watchers: int = 256
    """Pages that may watch at once."""

    @classmethod
    def of_visitors(cls) -> LabLimits:
        """Return those of a studio that others than its owner can reach."""
        return cls(seeds=50, trainings=50_000, arms=200, seconds=900.0)

    def check(self, *, seeds: int, trainings: int, arms: int) -> None:
        """Refuse an experiment that is too large. Raises CommandError."""
        for name, asked, limit, hint in (
            ("seeds", seeds, self.seeds, "ask for fewer"),
            ("trainings", trainings, self.trainings, "vary fewer factors, or ask for fewer seeds"),
            ("arms", arms, self.arms, "vary fewer factors, or fewer levels"),
        ):
            if asked > limit:
                raise CommandError(
                    f"lab.error.{name}",
                    f"{asked:,} {name}; this studio takes at most {limit:,}: {hint}",
                    count=asked,
                    limit=limit,
                )
