"""The block model: what flows between the parts of a block, what is folded, what is left out."""

from __future__ import annotations

import itertools
from functools import cache

import pytest
import torch
import torchvision
from torch import Tensor, nn

from layerlab.anatomy import Anatomy, dissect
from layerlab.anatomy.chains import chained_sources
from layerlab.anatomy.graph import Level, levels_of
from layerlab.anatomy.record import Operation


def network(root: nn.Module, size: tuple[int, ...]) -> dict[str, Level]:
    return levels_of(dissect(root, size))


def names(level: Level) -> list[str]:
    """Return the parts by the last word of their path, or by their operation."""
    return [key.partition(":")[2].rpartition(".")[2] for key in level.parts if not key.startswith(("input", "output"))]


def links(level: Level, anatomy: Anatomy | None = None) -> list[tuple[str, str, str]]:
    """Return the links by short names: operations by what they compute, ports as ``in`` and ``out``."""

    def short(key: str) -> str:
        word, _, rest = key.partition(":")
        if word == "operation" and anatomy is not None:
            return anatomy.operations[int(rest)].name
        return {"input": "in", "output": "out"}.get(word, rest.partition("#")[0].rpartition(".")[2])

    return [(short(link.source), short(link.target), link.kind) for link in level.links]


class Residual(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.two(self.act(self.one(x))) + x)


def test_a_skip_is_what_jumps_over_a_longer_path() -> None:
    anatomy = dissect(Residual(), (4, 8, 8))
    (level,) = levels_of(anatomy).values()
    assert links(level, anatomy) == [
        ("in", "one", "plain"),
        ("in", "add", "skip"),
        ("one", "act", "plain"),
        ("act", "two", "plain"),
        ("two", "add", "plain"),
        ("add", "act", "plain"),
        ("act", "out", "plain"),
    ]
    assert [key for key in level.parts if "act" in key] == ["module:act#0", "module:act#1"]


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.left(x), self.right(x)], 1)


def test_what_is_joined_is_a_concatenation() -> None:
    anatomy = dissect(Branches(), (3, 4, 4))
    kinds = {link[:2]: link[2] for link in links(levels_of(anatomy)[""], anatomy)}
    assert kinds["left", "cat"] == kinds["right", "cat"] == "concatenation"
    assert kinds["in", "left"] == kinds["cat", "out"] == "plain"


class Prefixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token, self.dense = nn.Parameter(torch.zeros(1, 1, 4)), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(torch.cat([self.token, x], 1))  # type: ignore[no-any-return]


def test_what_is_joined_with_a_parameter_alone_is_a_plain_step() -> None:
    assert {link.kind for link in network(Prefixed(), (3, 4))[""].links} == {"plain"}


def test_a_run_of_equal_blocks_is_one_part_with_a_count() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), Residual(), Residual(), Residual(), nn.Conv2d(4, 4, 1))
    level = network(model, (3, 8, 8))[""]
    assert [(part.repeats, [path for path, _ in part.members]) for part in level.parts.values() if part.call] == [
        (1, ["0"]),
        (3, ["1", "2", "3"]),
        (1, ["4"]),
    ]
    assert links(level) == [("in", "0", "plain"), ("0", "1", "plain"), ("1", "4", "plain"), ("4", "out", "plain")]


class Tapped(nn.Module):
    """Two equal layers, the first of whose outputs is used twice: no run."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        first = self.a(x)
        return self.b(first) * first


@pytest.mark.parametrize(
    ("model", "size"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4, bias=False)), (4,)),
        (nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 4)), (4,)),
        (nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 3, padding=1)), (3, 4, 4)),
        (nn.Sequential(nn.LeakyReLU(0.1), nn.LeakyReLU(0.2)), (4,)),
        (Tapped(), (4,)),
    ],
)
def test_what_differs_or_is_tapped_is_not_folded(model: nn.Module, size: tuple[int, ...]) -> None:
    assert all(part.repeats == 1 for part in network(model, size)[""].parts.values())


def test_equal_layers_that_look_at_one_memory_are_a_run() -> None:
    model = nn.Transformer(16, 2, 3, 3, 32, batch_first=True)
    levels = levels_of(dissect(model, ((5, 16), (7, 16))))
    assert [part.repeats for part in levels["decoder"].parts.values()] == [1, 1, 3, 1, 1]
    assert [part.repeats for part in levels["encoder"].parts.values()] == [1, 3, 1, 1]


class Fed(nn.Module):
    """Two equal layers that take different things beside what flows through them: no run."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Bilinear(4, 4, 4), nn.Bilinear(4, 4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.a(x, torch.sin(x)), torch.cos(x))  # type: ignore[no-any-return]


def test_equal_layers_that_are_fed_differently_are_not_a_run() -> None:
    assert all(part.repeats == 1 for part in network(Fed(), (4,))[""].parts.values())


class Listed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(4, 5), nn.Linear(5, 6)])
        self.more = nn.ModuleDict({"last": nn.Linear(6, 7)})

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.more["last"](x)  # type: ignore[no-any-return]


def test_containers_that_are_not_called_are_in_no_ones_way() -> None:
    levels = network(Listed(), (4,))
    assert list(levels) == [""]
    assert names(levels[""]) == ["0#0", "1#0", "last#0"]


class Reshaping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.dense, self.gone, self.drop = nn.Flatten(), nn.Linear(12, 12), nn.Identity(), nn.Dropout()

    def forward(self, x: Tensor) -> Tensor:
        y = self.gone(self.drop(self.dense(self.flatten(x))))
        query, key = y.view(-1, 2, 6).chunk(2, dim=1)
        positions = torch.arange(6).unsqueeze(0)
        return (query + key + positions).permute(0, 2, 1).contiguous()


def test_reshaping_constants_and_identities_are_left_out_but_modules_and_splits_stay() -> None:
    anatomy = dissect(Reshaping(), (3, 2, 2))
    level = levels_of(anatomy)[""]
    assert [
        part.call[0] if part.call else anatomy.operations[part.operations[0]].name
        for part in level.parts.values()
        if not part.values
    ] == ["flatten", "dense", "drop", "chunk", "add", "add"]


class Stray(nn.Module):
    """What it computes beside leads to no output; what has multiplications is shown nevertheless."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused, self.beside = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        torch.exp(self.beside(x))
        return self.used(x)  # type: ignore[no-any-return]


def test_what_leads_nowhere_is_left_out_unless_it_multiplies() -> None:
    assert names(network(Stray(), (4,))[""]) == ["beside#0", "used#0"]


class Looped(nn.Module):
    def __init__(self, steps: int) -> None:
        super().__init__()
        self.cell, self.head, self.steps = nn.RNNCell(3, 5), nn.Linear(5, 2), steps

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(x.shape[0], 5)
        for step in range(self.steps):
            state = self.cell(x[:, step], state)
        return self.head(state)  # type: ignore[no-any-return]


def test_a_cell_in_a_short_loop_is_folded_and_in_a_long_one_put_together() -> None:
    short = network(Looped(6), (6, 3))[""]
    assert [part.repeats for part in short.parts.values() if part.call] == [1, 5, 1]
    long = network(Looped(200), (200, 3))[""]
    assert [(part.merged, len(part.members)) for part in long.parts.values() if part.call] == [(200, 200), (0, 1)]
    assert links(long) == [("in", "cell", "plain"), ("cell", "head", "plain"), ("head", "out", "plain")]


class Fussy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for step in range(40):
            x = torch.sin(x) + step
        return self.last(x)  # type: ignore[no-any-return]


def test_many_small_operations_in_a_row_are_one_part() -> None:
    level = network(Fussy(), (4,))[""]
    assert [part.merged for part in level.parts.values()] == [0, 0, 80, 0, 0]
    assert links(level) == [
        ("in", "first", "plain"),
        ("first", "1", "plain"),
        ("1", "last", "plain"),
        ("last", "out", "plain"),
    ]


class Several(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return torch.sin(x), torch.cos(x), x


def test_inputs_and_outputs_are_ports_and_a_value_may_pass_untouched() -> None:
    anatomy = dissect(Several(), (4,))
    assert links(levels_of(anatomy)[""], anatomy) == [
        ("in", "sin", "plain"),
        ("in", "cos", "plain"),
        ("in", "out", "plain"),
        ("sin", "out", "plain"),
        ("cos", "out", "plain"),
    ]


def test_values_of_one_part_leave_through_one_port() -> None:
    class Sines(nn.Module):
        def forward(self, x: Tensor) -> list[Tensor]:
            return [torch.sin(x) * number for number in range(self.count)]

        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

    class Around(nn.Module):
        def __init__(self, count: int) -> None:
            super().__init__()
            self.inner = Sines(count)

        def forward(self, x: Tensor) -> list[Tensor]:
            return self.inner(x)  # type: ignore[no-any-return]

    few, many = network(Around(3), (4,))[""], network(Around(5), (4,))[""]
    assert [len(part.values) for part in few.parts.values()] == [1, 0, 1, 1, 1]
    assert [len(part.values) for part in many.parts.values()] == [1, 0, 5]


class Twice(nn.Module):
    """One block called with two different sizes: two levels."""

    def __init__(self) -> None:
        super().__init__()
        self.block, self.pool = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()), nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(self.pool(self.block(x)))  # type: ignore[no-any-return]


def test_a_later_call_that_does_something_else_has_a_level_of_its_own() -> None:
    levels = network(Twice(), (3, 8, 8))
    assert list(levels) == ["", "block", "block#2"]
    same = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())
    assert list(network(nn.Sequential(same, nn.Conv2d(3, 3, 1), same), (3, 8, 8))) == ["", "0"]


@cache
def resnet50() -> Anatomy:
    return dissect(torchvision.models.resnet50(), (3, 224, 224))


def test_every_operation_of_a_real_network_is_in_one_part_of_every_level_around_it() -> None:
    anatomy = resnet50()
    levels = levels_of(anatomy)
    assert [part.repeats for part in levels["layer1"].parts.values()] == [1, 1, 2, 1]
    assert [part.repeats for part in levels["layer3"].parts.values()] == [1, 1, 5, 1]
    for level in levels.values():
        inside = [number for part in level.parts.values() for number in part.operations]
        assert len(inside) == len(set(inside))
        assert all(
            level.call in operation.within or level.key == ""
            for operation in (anatomy.operations[number] for number in inside)
        )
    whole = {number for part in levels[""].parts.values() for number in part.operations}
    assert sum(anatomy.operations[number].macs for number in whole) == anatomy.totals.macs
    for level in levels.values():
        order = {key: place for place, key in enumerate(level.parts)}
        assert all(order[link.source] < order[link.target] for link in level.links)


def test_chains_draw_densenet_with_half_the_edges() -> None:
    anatomy = dissect(torchvision.models.densenet121(), (3, 224, 224))
    edges = sum(len(operation.sources) for operation in anatomy.operations)
    chained = chained_sources(anatomy.operations)
    assert (edges, sum(map(len, chained))) == (966, 489)
    for operation, sources in zip(anatomy.operations, chained, strict=True):
        assert _leaves(sources, anatomy, chained) == list(_leaves(operation.sources, anatomy, None))
    block = levels_of(anatomy)["features.denseblock3"]
    assert len(block.links) == len(block.parts) - 1 == 26


def _leaves(sources: tuple[int, ...], anatomy: Anatomy, chained: list[tuple[int, ...]] | None) -> list[int]:
    """Return what is joined in the end, all concatenations on the way undone."""
    found = []
    for source in sources:
        below = (chained or [one.sources for one in anatomy.operations])[source] if source >= 0 else ()
        joins = source >= 0 and anatomy.operations[source].name == "cat"
        found += _leaves(below, anatomy, chained) if joins else [source]
    return found


def concatenation(number: int, sources: tuple[int, ...], shape: tuple[int, ...]) -> Operation:
    inputs = tuple((1, 2, 4) for _ in sources)
    return Operation(number, "cat", (), sources, inputs, (shape,), 0, 0, 0)


def test_lists_joined_along_another_axis_or_in_another_order_are_no_chain() -> None:
    first = concatenation(0, (-1, -2), (1, 4, 4))
    assert chained_sources([first, concatenation(1, (-1, -2, -3), (1, 6, 4))])[1] == (0, -3)
    assert chained_sources([first, concatenation(1, (-1, -2, -3), (1, 2, 12))])[1] == (-1, -2, -3)
    for order in itertools.permutations((-1, -2, -3)):
        taken = chained_sources([first, concatenation(1, order, (1, 6, 4))])[1]
        assert (taken == (0, -3)) == (order == (-1, -2, -3))
