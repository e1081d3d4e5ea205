"""The picture of a network as data: for each block that can be opened, where its parts and arrows lie.

``picture(anatomy)`` gives what JSON can hold, in pixels, x to the right and y downward::

    {"title": "ResNet, input 1x3x224x224", "root": "", "levels": {"": Level, "layer1": Level, ...}}
    Level = {"key", "title", "width", "height", "nodes": [Node], "edges": [Edge]}
    Node  = {"id", "kind", "label", "detail", "name", "path", "paths", "repeats", "shape", "parameters", "macs",
             "family", "level", "shared", "lines", "x", "y", "w", "h"}
    Edge  = {"source", "target", "kind", "label", "points"}

Of a node: ``id`` is unique within its level; ``kind`` is ``input`` and ``output`` (of the network), ``port`` (where a
value enters or leaves a block), ``block`` (has modules inside), ``layer``, ``operation``; ``label`` is the class name
and ``detail`` its settings (``"3x3, stride 2"``); ``path`` is that of its record or null, ``paths`` those of all that
it stands for; ``repeats`` counts a run of equals; ``shape`` is what it gives, without the batch; ``parameters`` and
``macs`` are those of one of the run; a later call of a module has no ``parameters`` of its own and is ``shared``;
``level`` is the key of what it opens to, or null; ``lines`` are the lines of text to draw: the first large, the second
its name and shape, the third its figures; ``x``, ``y`` are the top left corner.
Of an edge: ``kind`` is ``plain``, ``skip`` or ``concatenation``; ``points`` are cubic Beziers, 1 + 3n points, from the
source's border to the target's, where the arrow is.
"""

from __future__ import annotations

from typing import Any

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.families import detail_of, family_of_layer, family_of_operation, operation_label
from layerlab.anatomy.graph import Level, Part, levels_of
from layerlab.anatomy.layout import Placed, Plan, lay_out
from layerlab.anatomy.lettering import shortened, text_width
from layerlab.anatomy.record import Call, Layer, Operation
from layerlab.anatomy.rows import title
from layerlab.anatomy.text import short, without_batch

__all__ = ["LINE_HEIGHTS", "LINE_SIZES", "picture"]

LINE_SIZES = (13, 11, 11)
"""Font size of the three lines, in pixels; the first is bold."""
LINE_HEIGHTS = (17, 15, 15)
"""What each line adds to a node's height."""
_PADDING = (12, 7)  # beside and above the text
_LONGEST = 44  # characters of a line


def picture(anatomy: Anatomy, seconds: float = 60.0) -> dict[str, Any]:
    """Return the picture of everything that can be opened, as described above.

    Args:
        anatomy: of the network.
        seconds: time limit of the layout.

    Raises:
        LayerlabError: the layout failed or took too long; names the block.
    """
    levels = levels_of(anatomy)
    described = {key: [_Describer(anatomy, level).node(part) for part in level.parts.values()]
                 for key, level in levels.items()}  # fmt: skip
    plans = [_plan(anatomy, level, described[key]) for key, level in levels.items()]
    placed = lay_out(plans, seconds)
    return {
        "title": title(anatomy),
        "root": "",
        "levels": {
            key: _placed(anatomy, level, described[key], place)
            for (key, level), place in zip(levels.items(), placed, strict=True)
        },
    }


def _level_title(anatomy: Anatomy, level: Level) -> str:
    kind = anatomy[level.call[0]].kind if level.call[0] else anatomy.root.kind
    return f"{level.key}: {kind}" if level.key else kind


def _plan(anatomy: Anatomy, level: Level, nodes: list[dict[str, Any]]) -> Plan:
    place = {key: number for number, key in enumerate(level.parts)}
    edges = tuple((place[link.source], place[link.target]) for link in level.links)
    name = f'"{level.key}"' if level.key else f"the whole {anatomy.root.kind}"
    top, bottom = (
        tuple(number for key, number in place.items() if key.startswith(word)) for word in ("input:", "output:")
    )
    return Plan(name, tuple((node["w"], node["h"]) for node in nodes), edges, top, bottom)


def _placed(anatomy: Anatomy, level: Level, nodes: list[dict[str, Any]], place: Placed) -> dict[str, Any]:
    for node, (x, y) in zip(nodes, place.nodes, strict=True):
        node["x"], node["y"] = x, y
    edges = [
        {
            "source": link.source,
            "target": link.target,
            "kind": link.kind,
            "label": "",
            "points": [list(point) for point in points],
        }
        for link, points in zip(level.links, place.edges, strict=True)
    ]
    return {
        "key": level.key,
        "title": _level_title(anatomy, level),
        "width": place.width,
        "height": place.height,
        "nodes": nodes,
        "edges": edges,
    }


class _Describer:
    """Finds words and figures for the parts of one level."""

    def __init__(self, anatomy: Anatomy, level: Level) -> None:
        self._anatomy, self._level = anatomy, level

    def node(self, part: Part) -> dict[str, Any]:
        """Return a node without its place."""
        if part.values:
            node = self._port(part)
        elif part.merged:
            node = self._several(part)
        elif part.call is None:
            node = self._operation(part)
        else:
            node = self._module(part, part.call[0])
        node["lines"] = _lines(node)
        node["w"], node["h"] = _box(node)
        return node

    def _port(self, part: Part) -> dict[str, Any]:
        incoming = part.key.startswith("input:")
        word = "input" if incoming else "output"
        kind = "port" if self._level.key else word
        shapes = [self._passing(value) for value in part.values]
        more = f" +{len(shapes) - 1}" if len(shapes) > 1 else ""
        return _node(part, kind, word, "shape", shape=shapes[0] + more)

    def _passing(self, value: int) -> str:
        """Return the shape of what an operation made, or of an input of the network."""
        if value >= 0:
            return without_batch(self._anatomy.operations[value].outputs[:1])
        return without_batch([self._anatomy.totals.input_shapes[-1 - value]])

    def _several(self, part: Part) -> dict[str, Any]:
        operations = self._operations(part)
        if part.call is None:
            label, path = f"{len(operations)} operations", None
        else:
            path = part.call[0]
            kinds = dict.fromkeys(self._anatomy[inner].kind for inner, _ in self._calls(operations))
            label = f"{' + '.join(kinds)} in {len(part.members)} steps"
        return _node(
            part, "operation", label, "other", shape=without_batch(operations[-1].outputs[:1]),
            macs=sum(operation.macs for operation in operations), path=path,
            name=self._name(path) if path is not None else "", parameters=self._parameters(operations),
        )  # fmt: skip

    def _parameters(self, operations: list[Operation]) -> int:
        """Return the parameters of the modules whose first calls are among these steps of the level."""
        return sum(self._anatomy[path].parameters for path, count in self._calls(operations) if count == 0)

    def _calls(self, operations: list[Operation]) -> list[Call]:
        """Return the calls that the level makes itself and that these operations belong to, in order."""
        level = self._level.call
        inner = (operation.within[operation.within.index(level) + 1 :] for operation in operations)
        return list(dict.fromkeys(within[0] for within in inner if within))

    def _operation(self, part: Part) -> dict[str, Any]:
        (operation,) = self._operations(part)
        layer = self._anatomy[self._level.call[0]] if self._level.call[0] else self._anatomy.root
        if layer.is_leaf and sum(not other.values for other in self._level.parts.values()) == 1:
            return _node(
                part, "layer", layer.kind, family_of_layer(layer, [operation]), detail=detail_of(layer),
                path=layer.path, shape=without_batch(operation.outputs), parameters=layer.parameters,
                macs=operation.macs,
            )  # fmt: skip
        shape = without_batch(operation.outputs)
        family = family_of_operation(operation)
        label = operation_label(operation.name)
        return _node(part, "operation", label, family, shape=shape, macs=operation.macs, name=operation.name)

    def _module(self, part: Part, path: str) -> dict[str, Any]:
        layer = self._anatomy[path]
        operations = self._operations(part)
        single = operations[: len(operations) // part.repeats]
        kind = "block" if part.level is not None and not layer.is_leaf else "layer"
        family = "block" if kind == "block" else family_of_layer(layer, single)
        again = part.call is not None and part.call[1] > 0
        node = _node(
            part, kind, layer.kind, family, detail=self._detail(layer, kind),
            name=self._names(part), path=path, shape=self._shape(part, layer, single),
            parameters=0 if again else layer.parameters, macs=sum(operation.macs for operation in single),
        )  # fmt: skip
        return node | {"shared": again and layer.parameters > 0}

    def _operations(self, part: Part) -> list[Operation]:
        return [self._anatomy.operations[number] for number in part.operations]

    def _names(self, part: Part) -> str:
        """Return the name of a module, the first and the last of a run: ``1-5``."""
        first, last = (self._name(part.members[place][0]) for place in (0, -1))
        return first if first == last else f"{first}-{last.rpartition('.')[2]}"

    def _name(self, path: str) -> str:
        """Return the path within the level: longer than one word where a list holds the module."""
        above = self._level.call[0]
        return path[len(above) + 1 :] if above and path.startswith(f"{above}.") else path

    def _shape(self, part: Part, layer: Layer, operations: list[Operation]) -> str:
        first_call = part.call is not None and part.call[1] == 0
        if first_call and layer.outputs:
            return without_batch(layer.outputs)
        return without_batch(operations[-1].outputs)

    def _detail(self, layer: Layer, kind: str) -> str:
        if kind != "block":
            return detail_of(layer)
        kinds = [child.kind for child in self._anatomy.children(layer) if child.kind != "Identity"]
        if layer.kind == "Sequential" and kinds:
            if len(set(kinds)) == 1 and len(kinds) > 1 and kinds[0] != "Sequential":
                return f"{len(kinds)} × {kinds[0]}"
            if len(kinds) <= 3 and "Sequential" not in kinds:
                return ", ".join(kinds)
        return ""


def _node(
    part: Part, kind: str, label: str, family: str, *, detail: str = "", name: str = "", path: str | None = None,
    shape: str = "", parameters: int = 0, macs: int = 0,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": part.key, "kind": kind, "label": label, "detail": detail, "name": name, "path": path,
        "paths": [member[0] for member in part.members], "repeats": part.repeats, "shape": shape,
        "parameters": parameters, "macs": macs, "family": family, "level": part.level, "shared": False,
    }  # fmt: skip


def _lines(node: dict[str, Any]) -> list[str]:
    """Return the text in a node, line by line."""
    between = ": " if node["kind"] == "block" else " "
    first = shortened(between.join(word for word in (node["label"], node["detail"]) if word), _LONGEST)
    if node["kind"] == "port":
        return [node["shape"]]
    if node["kind"] in ("input", "output"):
        return [f"{node['label']} {node['shape']}"]
    if node["kind"] == "operation" and node["family"] in ("merge", "activation"):
        return [first]
    name = shortened(node["name"], _LONGEST // 2) if node["path"] is not None else ""
    second = " · ".join(word for word in (name, node["shape"]) if word)
    figures = []
    if node["shared"]:
        figures.append("same weights")
    if node["parameters"]:
        figures.append(f"{short(node['parameters'])} params")
    if node["macs"]:
        figures.append(f"{short(node['macs'])} MACs")
    return [first, second, " · ".join(figures)] if figures else [first, second]


def _box(node: dict[str, Any]) -> tuple[float, float]:
    lines = node["lines"]
    small = node["kind"] in ("input", "output", "port") or len(lines) == 1
    widths = [text_width(line, LINE_SIZES[place], bold=place == 0) for place, line in enumerate(lines)]
    badge = 10 * (1 + len(str(node["repeats"]))) if node["repeats"] > 1 else 0
    beside = _PADDING[0] if not small else 10
    sign = 16 if node["level"] is not None else 0
    width = max(widths[0] + sign, *widths[1:], 40) + 2 * beside + badge if len(widths) > 1 else widths[0] + 2 * beside
    height = sum(LINE_HEIGHTS[: len(lines)]) + 2 * (_PADDING[1] if not small else 4)
    return round(width), round(height)
