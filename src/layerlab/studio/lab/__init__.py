"""The Lab tab: a question, its design, its runs as they arrive, its answer.

Each payload is a pure function of what the page asked for; experiments run in a process of their own, so that the
playgrounds keep their frames.
"""

from layerlab.studio.lab.jobs import Jobs
from layerlab.studio.lab.limits import LabLimits
from layerlab.studio.lab.routes import router

__all__ = ["Jobs", "LabLimits", "router"]
