"""What all figures of a report share: colours, panels and axes, in Plotly's form.

A trace says in ``meta.role`` what it is, so that a page can paint it in its own colours for light, dark and paper;
the colours that stand here are legible on white and on black, for those who paint nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from layerlab.lab.words.vocabulary import Vocabulary
from layerlab.pages import plotly_text

__all__ = ["DASHES", "NEUTRAL", "SEQUENTIAL", "SERIES", "SYMBOLS", "Figure", "Panels", "band_colour", "label_text"]

Figure = dict[str, Any]
"""``data`` and ``layout``."""
SERIES: Final = ("#1f77b4", "#d95f02", "#1b9e77", "#a65fa3", "#b8860b", "#4d9de0", "#c0392b", "#7f7f7f")
"""After Okabe and Ito, told apart by colour-blind readers; symbols and dashes tell the same."""
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "triangle-down")
DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
NEUTRAL: Final = "#808080"
SEQUENTIAL: Final = [[0.0, "#eef3f8"], [0.5, "#6aa5d0"], [1.0, "#08457e"]]
LABEL: Final = 48
"""Letters of a label before it is cut."""
_GAP_ACROSS: Final = 0.04
_HEAD: Final = 34
_LEGEND: Final = 40
"""Pixels above the plot of a panel, for its title."""


def label_text(text: str, longest: int = LABEL) -> str:
    """Return a name, which may be a user's own, as Plotly shows it letter by letter."""
    return plotly_text(text, longest)


def band_colour(number: int) -> str:
    """Return the colour of a series, for the area of its interval."""
    colour = SERIES[number % len(SERIES)]
    return f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},0.18)"


class Panels:
    """Several plots side by side and one below another, each with axes and a title of its own.

    Args:
        words: of the comparison.
        titles: one for each panel; of one, none is shown.
        height: of a plot, in pixels.
        columns: at most so many side by side.
        shared: whether the panels of a row have one vertical axis, written at the left alone.
        foot: pixels below a plot, for its axis.
    """

    def __init__(
        self,
        words: Vocabulary,
        titles: Sequence[str],
        height: int,
        *,
        columns: int = 2,
        shared: bool = False,
        foot: int = 64,
    ) -> None:
        count = len(titles)
        across = min(columns, count)
        down = -(-count // across)
        self.across, self.shared = across, shared
        total = down * (height + _HEAD + foot)
        gap = _GAP_ACROSS if shared else 2.2 * _GAP_ACROSS
        width = (1 - gap * (across - 1)) / across
        self.layout: dict[str, Any] = {
            "height": total + _LEGEND,
            "margin": {"l": 60, "r": 16, "t": _LEGEND, "b": 8},
            "hovermode": "closest",
            "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"},
            "separators": ",\u00a0" if words.language == "pl" else ".,",
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "annotations": [],
            "meta": {},
        }
        for number, title in enumerate(titles):
            row, column = divmod(number, across)
            left = column * (width + gap)
            top = 1 - (row * (height + _HEAD + foot) + _HEAD) / total
            bottom = top - height / total
            name = self.suffix(number)
            self.layout[f"xaxis{name}"] = {"domain": [left, left + width], "anchor": f"y{name}", "zeroline": False}
            self.layout[f"yaxis{name}"] = {"domain": [bottom, top], "anchor": f"x{name}", "zeroline": False}
            if count > 1:
                self.layout["annotations"].append(
                    {
                        "text": f"<b>{label_text(title)}</b>", "x": left, "y": top, "xref": "paper", "yref": "paper",
                        "xanchor": "left", "yanchor": "bottom", "showarrow": False, "yshift": 4,
                    }
                )  # fmt: skip

    @staticmethod
    def suffix(number: int) -> str:
        """Return what Plotly puts behind the name of the axes of a panel."""
        return "" if number == 0 else str(number + 1)

    def axes(self, number: int) -> dict[str, str]:
        """Return the axes that a trace of a panel names."""
        return {"xaxis": f"x{self.suffix(number)}", "yaxis": f"y{self.suffix(number)}"}

    def set(self, letter: str, number: int, **settings: Any) -> None:
        """Set an axis, ``x`` or ``y``, of a panel."""
        self.layout[f"{letter}axis{self.suffix(number)}"].update(settings)

    def without_legend(self) -> None:
        """Take back the room that the legend would have."""
        self.layout["height"] -= _LEGEND - 8
        self.layout["margin"]["t"] = 8

    def first_of_row(self, number: int) -> bool:
        """Return whether a panel stands at the left."""
        return number % self.across == 0


def titled(text: str) -> dict[str, Any]:
    """Return the title of an axis."""
    return {"text": text, "standoff": 8}
