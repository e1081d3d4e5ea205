"""Lays out graphs with Graphviz; run by its path in a process of its own, since the library cannot be interrupted.

Reads one JSON document: a list of graphs, each ``{"nodes": [[width, height], ...], "edges": [[source, target], ...],
"source": [node, ...], "sink": [node, ...]}`` in pixels, the last two being what lies at the top and at the bottom.
Writes one line of JSON for each, as soon as it is known: ``{"width", "height", "nodes": [[x, y], ...], "edges":
[[[x, y], ...], ...]}``: corners and cubic Beziers, y downward. Imports nothing of the package: that would load torch.
"""

import json
import sys
from typing import Any

import pygraphviz

_INCH = 72.0
_MARGIN = 12.0
_MANY_EDGES = 120
_MANY_STEPS = 4000  # of edges, from rank to rank
_STRAIGHT, _SHORT = 100, 5  # weights of edges on the main line and between neighbours


def laid_out(graph: dict[str, Any]) -> dict[str, Any]:
    """Return the positions of one graph."""
    sizes, edges = graph["nodes"], graph["edges"]
    drawing = pygraphviz.AGraph(directed=True, strict=False)
    ranks, main = main_line(len(sizes), edges)
    steps = sum(ranks[target] - ranks[source] for source, target in edges)
    if steps > _MANY_STEPS:  # straight lines and little search: minutes become seconds
        drawing.graph_attr.update(splines="line", nslimit="0.5", nslimit1="0.5", mclimit="0.1", ranksep="0.6")
    elif len(edges) > _MANY_EDGES:  # wide bundles of edges need air to be told apart
        drawing.graph_attr.update(ranksep="0.5", mclimit="0.5")
    drawing.node_attr.update(shape="box", fixedsize="true", label="")
    drawing.edge_attr.update(dir="none")
    for number, (width, height) in enumerate(sizes):
        drawing.add_node(str(number), width=f"{width / _INCH:.4f}", height=f"{height / _INCH:.4f}")
    for rank in ("source", "sink"):
        if len(graph[rank]) > 1:
            drawing.add_subgraph([str(number) for number in graph[rank]], rank=rank)
    for number in main:
        drawing.get_node(str(number)).attr["group"] = "main"  # kept on one straight line
    for number, (source, target) in enumerate(edges):
        beside = ranks[target] - ranks[source] > 1  # a heavier one would bend the line that it passes
        weight = 1 if beside else _STRAIGHT if source in main and target in main else _SHORT
        drawing.add_edge(str(source), str(target), key=str(number), weight=str(weight))
    drawing.layout(prog="dot")
    top = float(drawing.graph_attr["bb"].split(",")[3])
    places = []
    for number, (width, height) in enumerate(sizes):
        x, y = map(float, drawing.get_node(str(number)).attr["pos"].split(","))
        places.append((x - width / 2, top - y - height / 2))
    lines = []
    for number, (source, target) in enumerate(edges):
        text = drawing.get_edge(str(source), str(target), key=str(number)).attr["pos"]
        points = (tuple(map(float, pair.split(","))) for pair in text.replace("\\\n", "").split())
        lines.append([(x, top - y) for x, y in points])
    return framed(sizes, places, lines)


def main_line(count: int, edges: Any) -> tuple[list[int], set[int]]:
    """Return how many steps each node is from the top, and the nodes that every longest way through has.

    An edge leads from a smaller number to a larger one.
    """
    above, below = [0] * count, [0] * count
    for source, target in sorted(edges):
        above[target] = max(above[target], above[source] + 1)
    for source, target in sorted(edges, reverse=True):
        below[source] = max(below[source], below[target] + 1)
    longest = max(above, default=0)
    on_longest = [node for node in range(count) if above[node] + below[node] == longest]
    ranks = [above[node] for node in on_longest]
    return above, {node for node in on_longest if ranks.count(above[node]) == 1}


def framed(sizes: Any, places: Any, lines: Any) -> dict[str, Any]:
    """Move everything to where the drawing begins, with a margin; curves may bulge beyond what Graphviz reports."""
    corners = [(x + width, y + height) for (x, y), (width, height) in zip(places, sizes, strict=True)]
    everything = [*places, *corners, *(point for line in lines for point in line)] or [(0.0, 0.0)]
    left, top = (min(point[axis] for point in everything) - _MARGIN for axis in (0, 1))
    right, bottom = (max(point[axis] for point in everything) + _MARGIN for axis in (0, 1))

    def moved(point: Any) -> list[float]:
        return [round(point[0] - left, 2), round(point[1] - top, 2)]

    return {
        "width": round(right - left, 2),
        "height": round(bottom - top, 2),
        "nodes": [moved(place) for place in places],
        "edges": [[moved(point) for point in line] for line in lines],
    }


if __name__ == "__main__":
    for one in json.load(sys.stdin):
        sys.stdout.write(json.dumps(laid_out(one)) + "\n")
        sys.stdout.flush()
