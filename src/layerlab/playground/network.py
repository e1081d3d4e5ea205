"""One network of the playground: its numbers, how it learns, what it puts out.

A :class:`Network` is used by one thread at a time; different networks may run in different threads, because the
compiled loops let go of the interpreter.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.playground import checks
from layerlab.playground.data_sets import Points, inputs
from layerlab.playground.kernels import classic, dropout, general
from layerlab.playground.kernels.vectors import DOUBLES
from layerlab.playground.layout import Column, Layout, Optimizer, Output, Regularization, layout_of
from layerlab.playground.parts import Gradients, Layer, LayerGradients, Snapshot
from layerlab.playground.random_numbers import Random
from layerlab.playground.schedule import learning_rates

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from layerlab.playground.specification import Specification

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = [
    "LIVE",
    "Gradients",
    "Layer",
    "LayerGradients",
    "Network",
    "Snapshot",
    "grid",
    "is_plain",
    "learning_rates",
]

LIVE: Final = (
    "learning_rate",
    "regularization",
    "regularization_rate",
    "batch_size",
    "frozen",
    "schedule",
    "schedule_epochs",
    "dropout",
)
"""The fields of a specification that may change while the weights stay."""

MOST_PIXELS: Final = 400
"""Along a side of a map."""
MOST_STEPS: Final = 10_000_000
"""Epochs or minibatches of one call."""
BLOCK: Final = 128
"""Points that are evaluated at once, few enough to stay in a processor's nearest cache."""


class Network:
    """One network with its data, created exactly as TensorFlow Playground creates it.

    Args:
        specification: of the network.
        points: its data.
        random: the stream that drew the data and goes on with the weights, unless ``weight_seed`` names another.
    """

    def __init__(self, specification: Specification, points: Points, random: Random) -> None:
        self.specification = specification
        self.epoch = 0
        self.layout = layout_of(specification)
        layout = self.layout
        self.parameters: Floats = np.zeros(layout.parameters)
        """All parameters: weights layer by layer, then biases, then scales and shifts."""
        self.running: Floats = np.zeros(2 * layout.scales)
        """Running means of batch normalisation, then running variances."""
        self.dead: Flags = np.zeros(layout.parameters, np.bool_)
        self.frozen: Flags = np.zeros(layout.parameters, np.bool_)
        optimizer = Optimizer[specification.optimizer.upper()]
        stateful = 0 if optimizer == Optimizer.SGD else layout.parameters
        self._first: Floats = np.zeros(0 if optimizer == Optimizer.RMSPROP else stateful)
        self._second: Floats = np.zeros(0 if optimizer in (Optimizer.MOMENTUM, Optimizer.NESTEROV) else stateful)
        self._counters: NDArray[np.int64] = np.zeros(3, np.int64)
        self._queue: Floats = np.zeros((len(specification.features) + 1, 0))
        self._gradients: Floats = np.zeros(layout.parameters)
        self._inverse: Floats = np.zeros(layout.scales)
        self._values: Floats = np.zeros((layout.rows, 0))
        self._deltas: Floats = np.zeros((layout.rows, 0))
        digest = hashlib.blake2b(specification.seed.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self._key: Final = np.uint64(int.from_bytes(digest))
        self.set_points(points)
        self._draw(Random(specification.weight_seed) if specification.weight_seed else random)
        if specification.frozen:
            self._mark_frozen()

    @cached_property  # thousands of networks are trained whose layers nobody looks at
    def layers(self) -> list[Layer]:
        """The hidden layers, then the output layer; they show the vectors of the network and change with them."""
        return [self._layer(index) for index in range(len(self.layout.table))]

    def _layer(self, index: int) -> Layer:
        entry = [int(value) for value in self.layout.table[index]]
        inputs, units, pieces = entry[Column.INPUTS], entry[Column.UNITS], entry[Column.PIECES]
        shape = (units,) if pieces == 1 else (units, pieces)
        sums = units * pieces
        weights = slice(entry[Column.WEIGHTS], entry[Column.WEIGHTS] + sums * inputs)
        biases = slice(entry[Column.BIASES], entry[Column.BIASES] + sums)

        def scales(vector: Floats, column: Column) -> Floats | None:
            start = entry[column]
            return vector[start : start + sums].reshape(shape) if entry[Column.NORMALIZED] else None

        last = index == len(self.layout.table) - 1
        return Layer(
            weights=self.parameters[weights].reshape(*shape, inputs),
            biases=self.parameters[biases].reshape(shape),
            dead=self.dead[weights].reshape(*shape, inputs),
            frozen=self.frozen[weights].reshape(*shape, inputs),
            frozen_biases=self.frozen[biases].reshape(shape),
            gamma=scales(self.parameters, Column.GAMMA),
            beta=scales(self.parameters, Column.BETA),
            running_mean=scales(self.running, Column.MEAN),
            running_variance=scales(self.running, Column.VARIANCE),
            activation=self._output_activation() if last else self.specification.layer_activations[index],
            skip=("", "add", "concatenate")[entry[Column.SKIP]],
        )

    def _output_activation(self) -> str:
        if self.specification.problem == "regression":
            return "linear"
        if self.specification.outputs > 1:
            return "softmax"
        return "sigmoid" if self.specification.loss == "cross-entropy" else "tanh"

    def _draw(self, random: Random) -> None:
        """Draw the weights layer by layer, which is their order in the vector; set all else to its start."""
        layout, name = self.layout, self.specification.initialization
        weights, scales = layout.weights, layout.weights + layout.biases
        bound: float | Floats = 0.5
        if name in ("glorot", "he"):
            bound = np.concatenate([_bounds(row, name) for row in layout.table.tolist()])
        self.parameters[:weights] = random.numbers(weights) * (2 * bound) - bound
        if name == "zero":
            self.parameters[:weights] = 0.0
        self.parameters[weights:scales] = 0.1 if name == "classic" else 0.0
        self.parameters[scales : scales + layout.scales] = 1.0
        self.running[layout.scales :] = 1.0

    def _mark_frozen(self) -> None:
        self.frozen[:] = False
        for index, unit, source in self.specification.frozen:
            layer = self.layers[index]
            if source < 0:
                layer.frozen_biases[unit] = True
            else:
                layer.frozen[unit, ..., source] = True

    @property
    def points(self) -> Points:
        """The data that it learns from and is tested with."""
        return self._points

    @property
    def iteration(self) -> int:
        """Updates made."""
        return int(self._counters[2])

    @property
    def work(self) -> int:
        """How many multiplications an epoch costs, about; some hundred millions take a second."""
        points = 4 * len(self._points.train) + len(self._points.test)
        return points * (len(self.parameters) + 10 * sum(self.specification.units))

    @property
    def finite(self) -> bool:
        """Whether every parameter is a finite number."""
        return bool(np.isfinite(self.parameters).all())

    def set_points(self, points: Points) -> None:
        """Go on with other data; points that wait for the next update still take part in it."""
        self._points = points
        self.train_columns: Floats = self._columns(points.train)
        """(features + 1, points): what the kernels read, the labels last."""
        self.test_columns: Floats = self._columns(points.test)
        """Likewise."""
        self._reserve_queue(max(len(points.train), int(self._counters[1])))
        self._counters[0] = 0

    def _columns(self, points: ArrayLike) -> Floats:
        """Return points (n, 3) as the kernels take them: (features + 1, n), the labels last."""
        given = checks.table("points", points, 3)
        columns = np.empty((len(self.specification.features) + 1, len(given)))
        columns[:-1] = inputs(given[:, :2], self.specification.features).T
        columns[-1] = given[:, 2]
        return columns

    def _reserve_queue(self, places: int) -> None:
        """Let at least so many points wait."""
        if self._queue.shape[1] < places:
            waiting = self._queue[:, : self._counters[1]]
            self._queue = np.zeros((len(waiting), places))
            self._queue[:, : waiting.shape[1]] = waiting

    def set_live(self, **changes: Any) -> None:
        """Change fields of the specification while the weights stay; see :data:`LIVE`.

        Raises:
            LayerlabError: a field that needs a new network, or a value that no specification has.
        """
        for name in changes:
            if name not in LIVE:
                raise LayerlabError(f'"{name}" cannot change while the weights stay{did_you_mean(name, LIVE)}')
        self.specification = self.specification.replace(**changes)
        self._mark_frozen()

    def run(self, epochs: int) -> Floats:
        """Train for whole epochs, the one in progress counted as the first.

        Returns:
            (epochs, 2): the loss of the training points and of the test points after each. Fewer rows, the last of
            which ends it, when a loss or a weight is no longer finite.
        """
        history, _ = self._train_until(checks.whole("epochs", epochs, 0, MOST_STEPS), np.iinfo(np.int64).max)
        return history

    def run_minibatches(self, count: int) -> tuple[int, list[tuple[int, float, float]]]:
        """Make ``count`` updates, or fewer when a number is no longer finite or no update can ever come.

        Returns:
            Updates made; and (epoch, training loss, test loss) for each epoch that was completed on the way.
        """
        made, borders = 0, []
        count = checks.whole("minibatches", count, 0, MOST_STEPS)
        while made < count:
            epochs = (count - made) * self.specification.batch_size // max(1, len(self._points.train)) + 2
            begun = self.epoch
            rows, updates = self._train_until(epochs, count - made)
            made += updates
            borders += [(begun + i, float(row[0]), float(row[1])) for i, row in enumerate(rows, 1)]
            if not updates or not self.finite:
                break
        return made, borders

    def _train_until(self, epochs: int, limit: int) -> tuple[Floats, int]:
        rates = learning_rates(self.specification, self.epoch, epochs)
        history = np.empty((epochs, 2))
        done, made = self._call(
            self.specification.batch_size, rates, self.train_columns, self.test_columns, limit, history
        )
        self.epoch += done
        return history[:done], made

    def _call(
        self, batch: int, rates: Floats, train: Floats, test: Floats, limit: int, history: Floats
    ) -> tuple[int, int]:
        """Run the kernel that this network needs; with a batch size of 0 it evaluates."""
        self._make_room()
        specification = self.specification
        penalty = Regularization[specification.regularization.upper()]
        if self._plain:
            done, made = classic.run(
                np.array([batch, penalty, self.layout.weights]),
                np.concatenate([[specification.regularization_rate], rates]),
                self.layout.table,
                self.parameters,
                self._gradients,
                self.dead,
                self.frozen,
                self._values,
                self._deltas,
                self._queue,
                train,
                test,
                self._counters,
                limit,
                history,
            )
        else:
            optimizer = Optimizer[specification.optimizer.upper()]
            done, made = general.run(
                np.array([batch, penalty, self.layout.weights, self.layout.output, optimizer]),
                np.concatenate([[specification.regularization_rate, specification.dropout], rates]),
                self.layout.table,
                self.parameters,
                self._gradients,
                self.running,
                self._first,
                self._second,
                self.dead,
                self.frozen,
                self._values,
                self._deltas,
                self._inverse,
                self._queue,
                train,
                test,
                self._counters,
                self._key,
                limit,
                history,
            )
        return int(done), int(made)

    def _make_room(self, count: int = 0) -> None:
        """Let the working memory hold the largest batch that can come, or ``count`` points."""
        batch = min(self.specification.batch_size, len(self._points.train))
        count = max(count, BLOCK, batch + max(batch, int(self._counters[1])))
        count = -(-count // DOUBLES) * DOUBLES
        if self._values.shape[1] < count:
            self._values = np.zeros((self.layout.rows, count))
            self._deltas = np.zeros((self.layout.rows, count))

    @property
    def _plain(self) -> bool:
        return is_plain(self.specification, self.layout)

    def evaluate(self) -> tuple[float, float]:
        """Return the loss of the training points and of the test points, in evaluation mode; NaN without points."""
        history = np.empty((1, 2))
        self._call(0, np.empty(0), self.train_columns, self.test_columns, 0, history)
        return float(history[0, 0]), float(history[0, 1])

    def loss(self, batch: ArrayLike) -> float:
        """Return the mean loss of points (n, 3) in evaluation mode."""
        history, points = np.empty((1, 2)), self._columns(batch)
        self._call(0, np.empty(0), points, points[:, :0], 0, history)
        return float(history[0, 0])

    def dropout_factors(self, count: int) -> list[Floats]:
        """Return, for each hidden layer, dropout's factors (count, units) for the next update: 0 or 1 / (1 - rate)."""
        rate = self.specification.dropout
        if not rate:
            return [np.ones((count, layer.units)) for layer in self.layers[:-1]]
        self._make_room(count)
        dropout.drop(self.layout.table, self._values, count, rate, self._key, self._counters[2])
        return [
            self._values[row[Column.FACTOR_ROW] : row[Column.FACTOR_ROW] + row[Column.UNITS], :count].T.copy()
            for row in self.layout.table[:-1]
        ]

    def gradients(
        self, batch: ArrayLike, dropout_masks: Sequence[ArrayLike] | None = None, *, training: bool = True
    ) -> Gradients:
        """Return the gradient of the mean loss over ``batch``, the penalty excluded. Nothing of the network changes.

        Args:
            batch: (n, 3) points.
            dropout_masks: for each hidden layer the factors (n, units) of its outputs; None: those that the network
                would draw for its next update (:meth:`dropout_factors`).
            training: normalise with the batch's own statistics and drop; False: running statistics, no dropout.
        """
        points = self._columns(batch)
        count = points.shape[1]
        if not count:
            raise LayerlabError("no points have no gradient; give at least one")
        self._make_room(count)
        values = self._values
        if training:
            masks = self.dropout_factors(count) if dropout_masks is None else dropout_masks
            for row, mask in zip(self.layout.table, masks, strict=False):
                start = row[Column.FACTOR_ROW]
                values[start : start + row[Column.UNITS], :count] = np.asarray(mask, np.float64).T
        vector = np.zeros(self.layout.parameters)
        general.gradient(
            int(self.layout.output),
            self.layout.table,
            self.parameters,
            self.running,
            values,
            self._deltas,
            self._inverse,
            points,
            training,
            vector,
        )
        vector /= count
        vector[self.dead] = 0.0
        return Gradients([self._layer_gradients(vector, index) for index in range(len(self.layers))], vector)

    def _layer_gradients(self, vector: Floats, index: int) -> LayerGradients:
        layer, entry = self.layers[index], [int(value) for value in self.layout.table[index]]

        def like(array: Floats, column: Column) -> Floats:
            return vector[entry[column] : entry[column] + array.size].reshape(array.shape)

        return LayerGradients(
            weights=like(layer.weights, Column.WEIGHTS),
            biases=like(layer.biases, Column.BIASES),
            gamma=None if layer.gamma is None else like(layer.gamma, Column.GAMMA),
            beta=None if layer.beta is None else like(layer.beta, Column.BETA),
        )

    def outputs(self, xy: ArrayLike) -> Floats:
        """Return what the map shows at the points ``xy`` (n, 2).

        Returns:
            (n, outputs): two classes: the output in [-1, 1] (with cross-entropy 2p - 1); more: the probability of each
            class; regression: the value.
        """
        return self._at(xy, self._blocks()[-1:])[0]

    def test_outputs(self) -> Floats:
        """Return :meth:`outputs` at the test points."""
        return self._compute(self.test_columns, self._blocks()[-1:]).T

    def activations(self, xy: ArrayLike) -> list[Floats]:
        """Return the inputs (n, features), then each hidden layer's output (n, width) after activation and skip."""
        return self._at(xy, self._blocks()[:-1])

    def _blocks(self, *, units_only: bool = False) -> list[tuple[int, int]]:
        """Return (first row, rows) of the inputs and of each layer's output, without what a skip puts beside it."""
        columns = [Column.OUTPUT_ROW, Column.UNITS if units_only else Column.WIDTH]
        return [(0, len(self.train_columns) - 1), *map(tuple, self.layout.table[:, columns].tolist())]

    def _at(self, xy: ArrayLike, blocks: list[tuple[int, int]]) -> list[Floats]:
        """Return the rows of each block at the points ``xy``, turned to (n, rows)."""
        places = checks.table("places", xy, 2)
        points = self._columns(np.column_stack([places, np.zeros(len(places))]))
        values, ends = self._compute(points, blocks), np.cumsum([rows for _, rows in blocks])
        return [np.ascontiguousarray(part.T) for part in np.split(values, ends[:-1])]

    def _compute(self, points: Floats, blocks: list[tuple[int, int]]) -> Floats:
        """Return the rows of all blocks, one after another, for points (features + 1, n), in evaluation mode."""
        self._make_room()
        rows = np.concatenate([np.arange(start, start + count) for start, count in blocks])
        results = np.empty((len(rows), points.shape[1]))
        if self._plain:
            classic.compute(self.layout.table, self.parameters, self._values, points, rows, results)
            return results
        general.compute(
            int(self.layout.output),
            self.layout.table,
            self.parameters,
            self.running,
            self._values,
            self._inverse,
            points,
            rows,
            results,
        )
        if self.layout.output == Output.LOGISTIC and blocks[-1][0] == self.layout.table[-1, Column.OUTPUT_ROW]:
            results[-1] = 2 * results[-1] - 1
        return results

    def maps(self, resolution: int = 100) -> list[NDArray[np.float32]]:
        """Return every unit's output over the plane: the inputs, each hidden layer, the output layer.

        Returns:
            One array (units, resolution, resolution) each; the top row is y = +6, both ends of [-6, 6] are included.
        """
        resolution = checks.whole("resolution", resolution, 2, MOST_PIXELS)
        blocks = self._blocks(units_only=True)
        values = self._compute(grid(self.specification.features, resolution), blocks).astype(np.float32)
        ends = np.cumsum([rows for _, rows in blocks])
        return np.split(values.reshape(-1, resolution, resolution), ends[:-1])

    def painted_maps(self, resolution: int = 50, layer: int | None = None) -> NDArray[np.uint8]:
        """Return :meth:`maps` as bytes: v in [-1, 1] becomes round(127.5 (v + 1)).

        Args:
            resolution: of each side.
            layer: one alone (-1: the inputs, then the hidden layers from 0, then the output layer); None: all units,
                one after another.

        Returns:
            (units, resolution, resolution)
        """
        blocks = self._blocks(units_only=True)
        wanted = blocks if layer is None else blocks[layer + 1 : layer + 2]
        values = self._compute(grid(self.specification.features, resolution), wanted)
        painted = np.empty(values.shape, np.uint8)
        classic.paint(values, painted)
        return painted.reshape(-1, resolution, resolution)

    def take_up(self, parameters: ArrayLike, dead: ArrayLike, epoch: int, updates: int) -> None:
        """Take up the state at the end of epoch ``epoch`` that another kernel has reached without an optimiser's state.

        Args:
            parameters, dead: vectors in the layout's order.
            epoch, updates: how many there were.
        """
        self.parameters[:] = parameters
        self.dead[:] = dead
        self.epoch = epoch
        size, batch = len(self._points.train), self.specification.batch_size
        waiting = 0 if not epoch else size if batch > size else size % batch
        self._counters[:] = 0, waiting, updates
        self._queue[:, :waiting] = self.train_columns[:, size - waiting :]

    def snapshot(self) -> Snapshot:
        """Return a copy of everything that learning changes."""
        return Snapshot(
            self.epoch,
            self.parameters.copy(),
            self.running.copy(),
            self._first.copy(),
            self._second.copy(),
            self.dead.copy(),
            self._counters.copy(),
            self._queue[:, : self._counters[1]].copy(),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Take up the state of ``snapshot``, made by a network of this architecture and optimiser."""
        self.epoch = snapshot.epoch
        for mine, theirs in (
            (self.parameters, snapshot.parameters),
            (self.running, snapshot.running),
            (self._first, snapshot.first),
            (self._second, snapshot.second),
            (self.dead, snapshot.dead),
            (self._counters, snapshot.counters),
        ):
            mine[:] = theirs
        self._reserve_queue(snapshot.queue.shape[1])
        self._queue[:, : snapshot.queue.shape[1]] = snapshot.queue


def _bounds(row: list[int], name: str) -> Floats:
    """Return for each weight of a layer, a row of the layout's table, how large it may be at first."""
    inputs, sums = row[Column.INPUTS], row[Column.UNITS] * row[Column.PIECES]
    fan_out = sums if name == "glorot" else 0
    return np.full(inputs * sums, math.sqrt(6 / (inputs + fan_out)) if inputs else 0.0)


@lru_cache(64)
def grid(features: tuple[str, ...], resolution: int) -> Floats:
    """Return the points of a map as the kernels take them: (features + 1, resolution^2), from the top left one on."""
    axis = np.linspace(-6, 6, resolution)
    xy = np.stack([np.tile(axis, resolution), np.repeat(axis[::-1], resolution)], axis=1)
    points = np.zeros((len(features) + 1, len(xy)))
    points[:-1] = inputs(xy, features).T
    return points


def is_plain(specification: Specification, layout: Layout) -> bool:
    """Return whether the small kernels compute this network: one output, squared error, descent, classic layers."""
    return layout.is_plain and specification.optimizer == "sgd" and not specification.dropout
