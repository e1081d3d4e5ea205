"""The stages of a network, as a paper's figure shows them: one for each size that the main path takes on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.families import detail_of, family_of_layer
from layerlab.anatomy.record import Layer, Shape

__all__ = ["Size", "Stage", "stages_of"]

_MOST = 16
_HOLDERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})
_ALIKE = 0.15
_MOST_WORDS = 3
_MOST_OF = 0.8
_LOOK_BACK = 4
_RESHAPED = ("reshape",)


@dataclass(frozen=True)
class Size:
    """What a stage gives for one example.

    Attributes:
        kind: ``maps`` (channels x height x width), ``sequence`` (positions x features) or ``vector``.
        channels: or features, or the length of the vector.
        height: or positions; 1 for a vector.
        width: 1 for a sequence and a vector.
        frames: positions in time of a video; 1 otherwise.
    """

    kind: str
    channels: int
    height: int = 1
    width: int = 1
    frames: int = 1


@dataclass(frozen=True)
class Stage:
    """A run of layers that give the same size.

    Attributes:
        size: what they give.
        names: paths of the layers at both ends of the run.
        words: what they are, a line each: ``"3 × Bottleneck"``, ``"convolution 3×3"``.
        family: for its colour.
        kernel: (height, width) of the window, where the stage is convolutions or poolings of one kernel.
        path: of its first layer; ``None`` where a function between layers changed the size, or for the input.
        works: whether it computes; what only hands on is no stage behind one of its size.
    """

    size: Size
    names: tuple[str, ...]
    words: tuple[str, ...]
    family: str
    kernel: tuple[int, int] | None
    path: str | None
    works: bool = True


@dataclass(frozen=True)
class _Unit:
    layer: Layer
    size: Size
    given: Size | None


def stages_of(anatomy: Anatomy) -> tuple[list[Stage], list[str]]:
    """Return the stages in order, the input first, and the names of the layers that could not be placed."""
    reader = _Reader(anatomy)
    units = reader.units([anatomy.root])
    opened = True
    while opened:
        opened = False
        for place, layer in enumerate(units):
            inside = reader.opened(layer)
            trial = [*units[:place], *inside, *units[place + 1 :]]
            if inside and (layer.depth == 0 or len(reader.stages(trial)) <= _MOST):
                units, opened = trial, True
                break
    return reader.stages(units), [layer.path for layer in units if reader.unit(layer) is None and layer.parameters]


class _Reader:
    """Reads an anatomy as a path of sizes."""

    def __init__(self, anatomy: Anatomy) -> None:
        self._anatomy = anatomy
        shapes = anatomy.totals.input_shapes
        first = shapes[0] if shapes else ()
        # A detector takes a list of images without the batch.
        self._listed = anatomy.root.inputs[:1] == (first,) and len(first) == 3 and not self._has("1d") and _image(first)
        self._batch = 1 if self._listed or not first else first[0]
        self._input = (1, *first) if self._listed else first
        self._ratio = self._input[-2] / self._input[-1] if len(self._input) == 4 else 1.0
        self._begins: dict[str, int] = {}
        for operation in anatomy.operations:
            for path, _ in operation.within:
                self._begins.setdefault(path, operation.number)

    def units(self, layers: Sequence[Layer]) -> list[Layer]:
        """Return the layers that were called; of those that only hold others, the others; in the order of the run."""
        found: list[Layer] = []
        for layer in layers:
            if layer.called:
                found.append(layer)
            elif layer.used:
                found += self.units(self._anatomy.children(layer))
        begin, order = -1, {}
        for layer in found:  # what computes nothing stays where it stands
            begin = order[layer.path] = self._begins.get(layer.path, begin)
        return sorted(found, key=lambda layer: order[layer.path])

    def opened(self, layer: Layer) -> list[Layer]:
        """Return the layers inside one that is a chain of different parts; none where it is a block of its own."""
        if layer.is_leaf or (layer.depth > 0 and self._is_repeated(layer)):
            return []
        return self.units(self._anatomy.children(layer)) if layer.depth == 0 else self._chain(layer)

    def _chain(self, layer: Layer) -> list[Layer]:
        """Return the layers directly inside one, where each takes what the one before gives; else none."""
        inside = self.units(self._anatomy.children(layer))
        before = layer.inputs[:1]
        for part in inside:
            if part.inputs[:1] != before and not _same_numbers(part.inputs[:1], before):
                return []
            before = part.outputs[:1]
        return inside

    def _is_repeated(self, layer: Layer) -> bool:
        """Whether it is one of several blocks of a kind, which are then the parts of a figure."""
        if layer.kind in _HOLDERS:
            return False
        return sum(one.kind == layer.kind and one.depth == layer.depth for one in self._anatomy.layers) > 1

    def unit(self, layer: Layer) -> _Unit | None:
        size = self._size(layer.outputs, layer)
        return None if size is None else _Unit(layer, size, self._size(layer.inputs, layer))

    def stages(self, layers: Sequence[Layer]) -> list[Stage]:
        """Return the runs of one size; where a layer takes another size than came before, that is a stage too."""
        first = self._size((self._input,), None)
        stages: list[Stage] = []
        if first is not None:
            stages.append(Stage(first, (), ("input",), "shape", None, None))
        run: list[_Unit] = []
        for layer in layers:
            unit = self.unit(layer)
            if unit is None:
                continue
            before = run[-1].size if run else (stages[-1].size if stages else None)
            if run and unit.size != before:
                stages.append(self._stage(run))
                run = []
            given = unit.given
            known = given is not None and before is not None and _flows(before, given)
            if known and given != before and (given != unit.size or not _works(unit.layer)):
                if run:
                    stages.append(self._stage(run))
                    run = []
                stages.append(self._between(unit, given, before))  # type: ignore[arg-type] # known
            run.append(unit)
        if run:
            stages.append(self._stage(run))
        return [stage for number, stage in enumerate(stages) if not self._is_idle(stages, number)]

    def _is_idle(self, stages: Sequence[Stage], number: int) -> bool:
        """Whether a stage only hands on numbers: it has the size of the one before, or gives the one behind its own."""
        stage = stages[number]
        if stage.words == _RESHAPED and number + 1 < len(stages) and stages[number + 1].size == stage.size:
            return True
        return number > 0 and stage.size == stages[number - 1].size and not stage.works

    def _stage(self, run: Sequence[_Unit]) -> Stage:
        """Return a run as a stage, called after what computes in it."""
        working = [unit.layer for unit in run if _works(unit.layer)]
        shown = working or [run[0].layer]
        blocks = [block for layer in shown for block in self._blocks(layer)]
        counts = Counter(self._words(block) for block in blocks)
        words = [f"{count} × {word}" if count > 1 else word for word, count in counts.items()]
        if len(words) > _MOST_WORDS:
            words = [*words[: _MOST_WORDS - 1], f"and {len(words) - _MOST_WORDS + 1} more kinds"]
        heaviest = max(shown, key=lambda layer: layer.macs)
        names = (shown[0].path, shown[-1].path) if len(shown) > 1 else (shown[0].path,)
        kernels = {_kernel(block) for block in blocks}
        kernel = kernels.pop() if len(kernels) == 1 else None
        return Stage(run[0].size, names, tuple(words), self._family(heaviest), kernel, shown[0].path, bool(working))

    def _blocks(self, layer: Layer) -> list[Layer]:
        """Return the equal blocks that a holder is made of, else the layer itself."""
        inside = self._chain(layer)
        kinds = {part.kind for part in inside}
        if len(inside) > 1 and len(kinds) == 1 and not kinds & _HOLDERS:
            return inside
        heavy = [part for part in inside if not part.is_leaf and part.macs > _MOST_OF * layer.macs]
        blocks = self._blocks(heavy[0]) if layer.macs and len(heavy) == 1 else []
        return blocks if len(blocks) > 1 else [layer]

    def _words(self, layer: Layer) -> str:
        detail = detail_of(layer) if layer.is_leaf else ""
        family = self._family(layer)
        plain = {"convolution": "convolution", "dense": "dense"}.get(family, "")
        if family == "pooling":
            kind = layer.kind.lower()
            plain = (
                "max pool" if "max" in kind else "average pool" if "avg" in kind or "average" in kind else layer.kind
            )
        word = plain if layer.is_leaf and plain else layer.kind.lstrip("_")
        return f"{word} {detail.split(',')[0]}".strip() if family in ("convolution", "pooling") else word

    def _family(self, layer: Layer) -> str:
        """Return the family of a layer; of a block that of what computes most in it, of attention before all."""
        if layer.is_leaf:
            return family_of_layer(layer, [])
        prefix = f"{layer.path}." if layer.path else ""
        inside = [one for one in self._anatomy.layers if one.path.startswith(prefix)]
        if any(family_of_layer(one, []) == "attention" for one in (layer, *inside)):
            return "attention"
        leaves = [one for one in inside if one.is_leaf and one.macs]
        heaviest = max(leaves, key=lambda one: one.macs, default=None)
        return family_of_layer(heaviest, []) if heaviest is not None else family_of_layer(layer, [])

    def _between(self, unit: _Unit, given: Size, before: Size) -> Stage:
        """Return the stage that functions between two layers make: a flattening, a pooling."""
        pooling = self._pooling(unit.layer)
        if given.kind == before.kind == "maps" and given.height > before.height:
            return Stage(given, (), ("resized",), "shape", None, None)
        if given.channels == before.channels and (given.kind == "vector" or given.kind == before.kind == "maps"):
            if pooling or before.kind == "maps":
                return Stage(given, (), (pooling or "average pool",), "pooling", None, None)
            return Stage(given, (), ("one position",), "shape", None, None)
        if given.kind == "vector":
            numbers = before.channels * before.height * before.width * before.frames
            words = ("flatten",) if given.channels == numbers else (pooling or "pool", "flatten")
            return Stage(given, (), words, "shape", None, None)
        return Stage(given, (), _RESHAPED, "shape", None, None)

    def _pooling(self, layer: Layer) -> str:
        """Return what the function that feeds a layer does, where it pools; else nothing."""
        number = self._begins.get(layer.path, -1)
        for _ in range(_LOOK_BACK):
            operation = self._anatomy.operations[number] if number >= 0 else None
            if operation is None or not operation.sources:
                break
            number = operation.sources[0]
            name = self._anatomy.operations[number].name if number >= 0 else ""
            if "pool" in name or name in ("mean", "amax"):
                return "max pool" if "max" in name else "average pool"
        return ""

    def _size(self, shapes: Sequence[Shape], layer: Layer | None) -> Size | None:
        """Return the size of the first tensor for one example; ``None`` where it is none of an example."""
        if not shapes:
            return None
        shape = shapes[0]
        if layer is not None and len(shape) == 3 and shape[0] != self._batch and shape[1] == self._batch:
            shape = (shape[1], shape[0], shape[2])  # time before the batch
        if not shape or shape[0] != self._batch or len(shape) < 2 or 0 in shape:
            return None
        rest = shape[1:]
        if len(rest) >= 3:
            frames = math.prod(rest[1:-2])
            if frames == 1 and _channels_last(rest, self._ratio):
                return _maps(rest[2], rest[0], rest[1])
            return _maps(rest[0], rest[-2], rest[-1], frames)
        if len(rest) == 2:
            first = self._has("1d")
            return Size("sequence", rest[0], rest[1]) if first else Size("sequence", rest[1], rest[0])
        return self._of_one(rest[0], layer)

    def _of_one(self, length: int, layer: Layer | None) -> Size:
        first = layer is None and self._has("Embedding")
        words = first or (layer is not None and layer.kind == "Embedding")  # whole numbers, one a position
        return Size("sequence", 1, length) if words else Size("vector", length)

    def _has(self, word: str) -> bool:
        found: Mapping[str, bool] = {
            "1d": any("1d" in one.kind and ("Conv" in one.kind or "Pool" in one.kind) for one in self._all()),
            "Embedding": next((one for one in self._all() if one.is_leaf), self._anatomy.root).kind == "Embedding",
        }
        return found[word]

    def _all(self) -> tuple[Layer, ...]:
        return (self._anatomy.root, *self._anatomy.layers)


def _maps(channels: int, height: int, width: int, frames: int = 1) -> Size:
    return Size("vector", channels) if height == width == frames == 1 else Size("maps", channels, height, width, frames)


def _works(layer: Layer) -> bool:
    return layer.macs > 0 or any(word in layer.kind.lower() for word in ("pool", "embedding", "subsampling"))


def _image(shape: Shape) -> bool:
    return shape[0] in (1, 3) and shape[1] > 1


def _channels_last(rest: Shape, ratio: float) -> bool:
    """Whether the first two axes have the proportions of the image and the last two have not."""
    first, second, third = (max(length, 1) for length in rest)
    as_first = abs(math.log(second / third / ratio))
    as_last = abs(math.log(first / second / ratio))
    return as_last < _ALIKE < as_first


def _same_numbers(one: Sequence[Shape], two: Sequence[Shape]) -> bool:
    return bool(one) and bool(two) and math.prod(one[0]) == math.prod(two[0])


def _flows(before: Size, given: Size) -> bool:
    """Whether a layer may take this from what came before: the same channels, or all of its numbers in a row."""
    numbers = before.channels * before.height * before.width * before.frames
    if given.kind == "vector":
        return given.channels <= numbers and given.channels % before.channels == 0
    return given.channels == before.channels or numbers == given.channels * given.height * given.width * given.frames


def _kernel(layer: Layer) -> tuple[int, int] | None:
    kernel = layer.settings.get("kernel_size")
    if not layer.is_leaf or kernel is None or "1d" in layer.kind or "3d" in layer.kind:
        return None
    pair = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
    if len(pair) == 1:
        pair *= 2
    return (int(pair[0]), int(pair[1])) if len(pair) == 2 else None
