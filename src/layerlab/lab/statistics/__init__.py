"""What the numbers of an experiment allow to be said, and no more.

Replicates are pairs: arms of one replicate share the split, so that arms are compared within replicates. Every claim
carries its interval, claims made together are corrected together, and a run that did not train is never dropped.
"""

from layerlab.lab.statistics.contrast import Contrast, contrast
from layerlab.lab.statistics.evidence import CONFIDENCE, FEWEST, Evidence
from layerlab.lab.statistics.holm import holm
from layerlab.lab.statistics.judge import judge
from layerlab.lab.statistics.many_tasks import Aggregate, Profiles, interquartile_means, performance_profiles
from layerlab.lab.statistics.power import detectable, seeds_needed
from layerlab.lab.statistics.trend import Trend, trend
from layerlab.lab.statistics.verdict import Verdict

__all__ = [
    "CONFIDENCE",
    "FEWEST",
    "Aggregate",
    "Contrast",
    "Evidence",
    "Profiles",
    "Trend",
    "Verdict",
    "contrast",
    "detectable",
    "holm",
    "interquartile_means",
    "judge",
    "performance_profiles",
    "seeds_needed",
    "trend",
]
