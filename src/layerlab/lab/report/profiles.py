"""How many runs of each arm, over all tasks, are at least so good: the whole distribution, with its bands."""

from __future__ import annotations

from typing import Any, Final

from layerlab.lab.answer import Answer, Finding
from layerlab.lab.metrics import METRICS
from layerlab.lab.report.marks import DASHES, SERIES, Figure, Panels, band_colour, label_text
from layerlab.lab.report.series import metric_axis
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["has_profiles", "profiles_figure"]

_HEIGHT: Final = 340


def has_profiles(finding: Finding) -> bool:
    """Return whether a finding has performance profiles: it has several tasks, and every run has a figure."""
    return bool((finding.content.get("aggregates") or {}).get("profiles"))


def profiles_figure(answer: Answer, finding: Finding, language: str) -> Figure:
    """Return a line for each arm, with its 95 % band."""
    words = Vocabulary(answer, language, finding.comparison)
    profiles = finding.content["aggregates"]["profiles"]
    x = list(profiles["thresholds"])
    panels = Panels(words, [""], _HEIGHT, columns=1)
    data: list[dict[str, Any]] = []
    # Stored are the shares above each threshold; where less is better, those below are asked for.
    below = METRICS[finding.metric].goal == "low"
    for place, (arm, found) in enumerate(profiles["arms"].items()):
        share, low, high = ([1 - one if below else one for one in found[key]] for key in ("share", "low", "high"))
        number = place % len(SERIES)
        colour, common = SERIES[number], {"legendgroup": arm, "meta": {"role": f"series-{number}"}}
        data.append(
            {
                "type": "scatter", "mode": "lines", "name": words.say("figure.band"), "x": x + x[::-1],
                "y": low + high[::-1], "fill": "toself", "fillcolor": band_colour(place), "hoverinfo": "skip",
                "line": {"width": 0, "color": colour}, "showlegend": False, **common,
            }
        )  # fmt: skip
        label = label_text(words.arm(arm))
        data.append(
            {
                "type": "scatter", "mode": "lines", "name": label, "x": x, "y": share,
                "text": [f"{label}: {words.numbers.percent(one)}" for one in share],
                "hovertemplate": "%{text}<extra></extra>",
                "line": {"width": 3, "dash": DASHES[number], "color": colour}, "showlegend": True, **common,
            }
        )  # fmt: skip
    panels.set("x", 0, **metric_axis(words, finding.metric, x))
    panels.set("y", 0, title={"text": words.say("figure.profile"), "standoff": 8}, tickformat=".0%",
               range=[-0.02, 1.02], automargin=True)  # fmt: skip
    return {"data": [{**trace, **panels.axes(0)} for trace in data], "layout": panels.layout}
