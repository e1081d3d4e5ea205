"""A session: one network of the playground that a person watches, steps, changes and rewinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from layerlab.errors import LayerlabError
from layerlab.playground import checks
from layerlab.playground.data_sets import Points, generate
from layerlab.playground.history import Curve, History
from layerlab.playground.link import specification_of, write_link
from layerlab.playground.metrics import Metrics, measure
from layerlab.playground.network import LIVE, MOST_STEPS, Layer, Network, Snapshot
from layerlab.playground.random_numbers import Random

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from layerlab.playground.divergence import Divergence
    from layerlab.playground.specification import Specification

    Floats = NDArray[np.float64]

__all__ = ["Session"]

LARGEST_VALUE: Final = 1e6
"""Of a weight or bias that a person sets."""


class Session:
    """One run of one network.

    Args:
        specification: a :class:`~layerlab.playground.Specification`, a mapping of its fields, a link or a link's hash
            (TensorFlow Playground's own included); empty text is the default network.

    Raises:
        LayerlabError: it names no network.

    Example:
        >>> session = Session("dataset=circle&seed=0.5")
        >>> session.step(100)
        >>> session.losses[-1]
        (100, 0.018132957760404494, 0.014069555347717184)
    """

    def __init__(self, specification: Specification | Mapping[str, Any] | str = "") -> None:
        self._build(specification_of(specification))

    def _build(self, specification: Specification) -> None:
        self._random = Random(specification.seed)
        points = generate(specification, self._random)
        self._begin(Network(specification, points, self._random))

    def _begin(self, network: Network) -> None:
        self._network = network
        self._initial = self._before = network.snapshot()
        self._restart_records()

    def _restart_records(self) -> None:
        self._curve = Curve()
        self._curve.append([(0, *self._network.evaluate())])
        self._history = History(self._initial.bytes)
        self._history.add(self._initial)
        self._diverged = False
        self._divergence: Divergence | None = None

    @classmethod
    def of_network(cls, network: Network, losses: ArrayLike | None = None) -> Session:
        """Return a session that goes on from a copy of a network, such as one that ``train`` returned.

        Args:
            network: as its specification began it, and trained.
            losses: of its epochs so far from 1 on, (k, 3) rows of epoch, training loss and test loss; None: of now.
        """
        session = cls(network.specification)
        session._network.restore(network.snapshot())
        if network.epoch:
            session._curve.append([(network.epoch, *network.evaluate())] if losses is None else losses)
            session._history.add(session._network.snapshot())
        session._check(complete=True)
        return session

    @property
    def network(self) -> Network:
        """The network. Live changes keep it, others replace it."""
        return self._network

    @property
    def specification(self) -> Specification:
        """The specification as it is now."""
        return self._network.specification

    @property
    def points(self) -> Points:
        """The data."""
        return self._network.points

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return self._network.epoch

    @property
    def iteration(self) -> int:
        """Updates made."""
        return self._network.iteration

    @property
    def link(self) -> str:
        """The hash of the link that opens this specification, in TensorFlow Playground too (weights are not in it)."""
        return write_link(self.specification)

    @property
    def losses(self) -> list[tuple[int, float, float]]:
        """(epoch, training loss, test loss) of every epoch up to now, epoch 0 first.

        Of a run of more than 100,000 epochs every second, every fourth... so that memory stays flat.
        """
        return [(int(epoch), train, test) for epoch, train, test in self._curve.rows(self.epoch).tolist()]

    @property
    def weights(self) -> list[Floats]:
        """A copy of the weights of each layer, (units, inputs); of a Maxout layer (units, 2, inputs)."""
        return [layer.weights.copy() for layer in self._network.layers]

    @property
    def biases(self) -> list[Floats]:
        """A copy of the biases of each layer, (units,); of a Maxout layer (units, 2)."""
        return [layer.biases.copy() for layer in self._network.layers]

    @property
    def dead_links(self) -> list[tuple[int, int, int]]:
        """(layer, unit, source) of every link that L1 has cut for ever."""
        found = []
        for number, layer in enumerate(self._network.layers):
            dead = layer.dead.any(axis=1) if layer.dead.ndim == 3 else layer.dead
            found += [(number, int(unit), int(source)) for unit, source in np.argwhere(dead)]
        return found

    @property
    def history(self) -> list[int]:
        """The epochs that :meth:`rewind_to` can reach exactly, those after the present one included."""
        self._keep_last()
        return self._history.epochs

    @property
    def diverged(self) -> bool:
        """Whether a loss or a weight is no longer finite; no step does anything then."""
        return self._diverged

    @property
    def divergence(self) -> Divergence | None:
        """Why the numbers have left the finite and what would have kept them; None while they are finite.

        It is found out when first asked for, by running again: that may take some tenths of a second.
        """
        if self._diverged and self._divergence is None:
            from layerlab.playground.divergence import explain

            self._divergence = explain(self._network, self._before, self._history)
        return self._divergence

    def step(self, epochs: int = 1) -> None:
        """Train for so many epochs; the rest of one that minibatches have begun counts as the first.

        Stops early when a loss or a weight is no longer finite: see :attr:`divergence`. Ctrl-C leaves the state of some
        epoch on the way.
        """
        left = checks.whole("epochs", epochs, 0, MOST_STEPS)
        while left > 0 and not self._diverged:
            self._remember()
            count = min(left, self._history.until_next(self.epoch))
            with self._whole():
                self._run(count)
            left -= count

    def step_minibatches(self, count: int = 1) -> None:
        """Make so many updates, across the ends of epochs. Stops early as :meth:`step` does."""
        left = checks.whole("minibatches", count, 0, MOST_STEPS)
        batch = self.specification.batch_size
        each = len(self.points.train) // batch
        while left > 0 and not self._diverged:
            self._remember()
            rest = each - _points_done(self._before) // batch  # updates before this epoch ends
            with self._whole():
                if each and rest < left:
                    self._run(1)
                    left -= rest
                else:
                    _, borders = self._network.run_minibatches(left)
                    self._curve.append(borders)
                    self._check(complete=True)
                    left = 0

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Undo what Ctrl-C interrupts: the weights would be ahead of the epoch and of its losses."""
        try:
            yield
        except BaseException:
            self._network.restore(self._before)
            self._curve.cut(self.epoch)
            self._diverged = False
            raise

    def _run(self, epochs: int) -> None:
        begun = self.epoch
        losses = self._network.run(epochs)
        rows = np.empty((len(losses), 3))
        rows[:, 0] = range(begun + 1, begun + 1 + len(losses))
        rows[:, 1:] = losses
        self._curve.append(rows)
        self._check(complete=len(losses) == epochs)

    def _remember(self) -> None:
        """Keep the present state, from which training goes on; what was once ahead of it is gone."""
        self._curve.cut(self.epoch)
        self._before = self._network.snapshot()
        if not _points_done(self._before):
            self._history.add(self._before)
        else:
            self._history.cut(self.epoch)

    def _check(self, *, complete: bool) -> None:
        last = self._curve.rows()[-1]
        finite = np.isfinite(self._network.parameters).all() and (self.epoch != last[0] or _is_finite(last))
        self._diverged = not (complete and finite)

    def rewind(self) -> None:
        """Go back to the very weights that the run began with."""
        self._network.restore(self._initial)
        self._before = self._initial
        self._restart_records()

    def rewind_to(self, epoch: int) -> int:
        """Go back (or forward again) to a kept epoch of this run: the nearest to ``epoch``.

        Training on from there repeats the same numbers, as long as nothing was changed by hand in between.

        Returns:
            The epoch that was reached.
        """
        checks.whole("epoch", epoch, 0, 10**12)
        self._keep_last()
        self._network.restore(self._history.nearest(epoch))
        self._diverged, self._divergence = False, None
        return self.epoch

    def _keep_last(self) -> None:
        """Keep the end of the run, which nobody has gone on from yet."""
        if self._diverged or self.epoch <= self._history.last:
            return
        snapshot = self._network.snapshot()
        if not _points_done(snapshot):
            self._history.add(snapshot)

    def regenerate(self, seed: str | None = None) -> None:
        """Draw new data and keep the weights.

        Args:
            seed: of the new data; None: drawn from the present stream, as TensorFlow Playground does.
        """
        self._settle()
        chosen = f"{self._random.random():.5f}" if seed is None else seed
        specification = self.specification.replace(seed=chosen)
        self._random = Random(specification.seed)
        self._network.set_points(generate(specification, self._random))
        self._network.specification = specification

    def renew_weights(self, seed: str | None = None) -> None:
        """Begin again with other initial weights and the same data: they get a seed of their own."""
        self.change(weight_seed=f"{self._random.random():.5f}" if seed is None else seed)

    def change(self, **fields: Any) -> bool:
        """Change fields of the specification.

        Learning rate and its schedule, regularisation, batch size, dropout and frozen weights change while the weights
        stay; anything else begins a new run from the seed.

        Returns:
            Whether a new run has begun.

        Raises:
            LayerlabError: no such field, or no such network; nothing is changed then.
        """
        now, wanted = self.specification, self.specification.replace(**fields)
        changed = {name for name in fields if getattr(now, name) != getattr(wanted, name)}
        if changed - set(LIVE):
            self._build(wanted)
            return True
        if changed:
            self._settle()
            self._network.set_live(**{name: getattr(wanted, name) for name in changed})
        return False

    def set_weight(self, layer: int, unit: int, source: int, value: float, piece: int | None = None) -> None:
        """Set a weight.

        A dead link stays dead, as in TensorFlow Playground: its weight counts in the network's sums, but learning
        leaves it alone. ``freeze`` and ``unfreeze`` do not revive it either; :meth:`revive` does.

        Args:
            layer: from 0; the output layer is the last.
            unit: of the layer.
            source: input of the layer; -1 is the bias.
            value: at most a million in size.
            piece: of a Maxout unit, 0 or 1; None: of another unit, or both pieces.

        Raises:
            LayerlabError: no such weight, or no such value.
        """
        numbers = self._place(layer, unit, source, piece)
        self._settle()
        numbers[...] = checks.real("the weight" if source >= 0 else "the bias", value, -LARGEST_VALUE, LARGEST_VALUE)

    def set_bias(self, layer: int, unit: int, value: float, piece: int | None = None) -> None:
        """Set a bias; arguments as of :meth:`set_weight`."""
        self.set_weight(layer, unit, -1, value, piece)

    def freeze(self, layer: int, unit: int, source: int, frozen: bool = True) -> None:
        """Have learning leave a weight (or, source -1, a bias) alone, or let it go on with it."""
        self._place(layer, unit, source, None)
        if not isinstance(frozen, bool | np.bool_):
            raise LayerlabError(f"frozen is {frozen!r}; expected true or false")
        place = (int(layer), int(unit), int(source))
        others = tuple(entry for entry in self.specification.frozen if entry != place)
        self._network.set_live(frozen=(*others, place) if frozen else others)

    def revive(self, layer: int, unit: int, source: int) -> None:
        """Let a dead link learn again, from the weight that it has."""
        self._place(layer, unit, source, None)
        if source >= 0:
            self._network.layers[layer].dead[unit, ..., source] = False

    def _settle(self) -> None:
        """Find out why the run diverged, if it did, before something changes that has no part in it."""
        _ = self.divergence

    def _place(self, layer: int, unit: int, source: int, piece: int | None) -> Floats:
        """Return a view of one weight or bias (of both pieces, where ``piece`` is None)."""
        chosen: Layer = self._network.layers[checks.index("the network", "layer", layer, len(self._network.layers))]
        checks.index(f"layer {layer}", "unit", unit, chosen.units)
        checks.index(f"layer {layer}", "source", source, chosen.inputs, first=-1)
        if piece is not None:
            checks.index(f"layer {layer}", "piece", piece, chosen.pieces)
        numbers = chosen.biases[unit : unit + 1] if source < 0 else chosen.weights[unit : unit + 1, ..., source]
        return numbers if piece is None or chosen.pieces == 1 else numbers[:, piece : piece + 1]

    def metrics(self) -> Metrics:
        """Return accuracy and confusion matrix, or R² for regression."""
        return measure(self._network)

    def maps(self, resolution: int = 100) -> list[NDArray[np.float32]]:
        """Return every unit's output over the plane: the inputs, each hidden layer, the output layer.

        Returns:
            One array (units, resolution, resolution) each; the top row is y = +6, both ends of [-6, 6] are included.
        """
        return self._network.maps(resolution)

    def curve(self, points: int = 1000, *, after: int = -1, ahead: bool = False) -> Floats:
        """Return the losses, thinned for drawing.

        Args:
            points: rows at most; the first and the last stay.
            after: only epochs after this one.
            ahead: with those of the epochs that were rewound.

        Returns:
            (k, 3): epoch, training loss, test loss.
        """
        checks.whole("points", points, 2, 10**6)
        checks.whole("epoch", after, -1, 10**12)
        rows = self._curve.rows(None if ahead else self.epoch)
        rows = rows[int(np.searchsorted(rows[:, 0], after, side="right")) :]
        if len(rows) > points:
            rows = rows[np.linspace(0, len(rows) - 1, points).round().astype(np.int64)]
        return rows.copy()


def _is_finite(row: Floats) -> bool:
    """Return whether a row's losses are finite; a test part without points has none, which is no divergence."""
    return bool(np.isfinite(row[1]) and not np.isinf(row[2]))


def _points_done(snapshot: Snapshot) -> int:
    """Return how many points of its epoch a state has passed; 0 at the end of an epoch."""
    return int(snapshot.counters[0])
