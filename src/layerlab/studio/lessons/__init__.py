"""The lecture's six questions as guided lessons: each sets up networks, and reads an answer off what they did."""

from __future__ import annotations

from layerlab.studio.lessons.run import LESSONS, conclude, describe, run

__all__ = ["LESSONS", "conclude", "describe", "run"]
