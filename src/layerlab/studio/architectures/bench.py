"""One dissection at a time, the last ones kept: what turns the page's questions into an order."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from layerlab.errors import LayerlabError
from layerlab.studio.architectures.asking import Network
from layerlab.studio.architectures.building import Shapes, build
from layerlab.studio.architectures.loading import load_zoo
from layerlab.studio.command_error import CommandError

if TYPE_CHECKING:
    from layerlab.anatomy import Anatomy

__all__ = ["Bench", "Specimen"]

T = TypeVar("T")

SECONDS = 20.0
WAITING = 8
KEPT = 24


class Specimen:
    """A network that was dissected, and what was made of its anatomy so far."""

    def __init__(self, asked: Network, anatomy: Anatomy, shapes: Shapes) -> None:
        self.asked = asked
        self.anatomy = anatomy
        self.shapes = shapes
        self.made: dict[str, Any] = {}


class Bench:
    """Dissects on demand, one network after the other, since each takes a core.

    Args:
        seconds: of one network, and of waiting for one's turn.
        waiting: requests that may wait for their turn; more are refused at once.
        kept: networks that are remembered, the latest.
    """

    def __init__(self, *, seconds: float = SECONDS, waiting: int = WAITING, kept: int = KEPT) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._places = threading.Semaphore(waiting + 1)
        self._kept_most = kept
        self._kept: OrderedDict[str, Specimen] = OrderedDict()

    def specimen(self, asked: Network) -> Specimen:
        """Return the network's anatomy, from memory where it was asked for lately.

        Raises:
            CommandError: it cannot be built or run, takes too long, or too many wait already.
        """
        load_zoo()
        key = asked.key()
        found = self._remembered(key)
        if found is None:
            with self._in_turn():
                found = self._remembered(key) or self._dissected(key, asked)
        return found

    def make(self, asked: Network, how: Callable[[Specimen], T], *, kept_as: str | None = None) -> T:
        """Return something of a network that takes a while to make, from memory where it was made already.

        Args:
            asked: the network.
            how: makes it.
            kept_as: the name under which it is remembered with the network; None: it is not, being large.
        """
        specimen = self.specimen(asked)
        if kept_as is None or kept_as not in specimen.made:
            with self._in_turn():
                if kept_as is None:
                    return how(specimen)
                if kept_as not in specimen.made:
                    specimen.made[kept_as] = how(specimen)
        made: T = specimen.made[kept_as]
        return made

    def _remembered(self, key: str) -> Specimen | None:
        try:
            self._kept.move_to_end(key)
            return self._kept[key]
        except KeyError:
            return None

    def _dissected(self, key: str, asked: Network) -> Specimen:
        from layerlab.anatomy import dissect

        module, shapes = build(asked)
        clock = _Clock(self._seconds)
        try:
            with clock.running():
                anatomy = dissect(module, shapes[0] if len(shapes) == 1 else shapes)
        except LayerlabError as error:
            if clock.is_over:
                raise _slow(self._seconds) from error
            raise CommandError("architectures.error.input", str(error), reason=str(error)) from error
        specimen = Specimen(asked, anatomy, shapes)
        self._kept[key] = specimen
        while len(self._kept) > self._kept_most:
            self._kept.popitem(last=False)
        return specimen

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise CommandError(
                "architectures.error.busy", "too many networks wait to be looked into: try again in a moment"
            )
        try:
            if not self._turn.acquire(timeout=self._seconds):
                raise _slow(self._seconds)
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._places.release()


def _slow(seconds: float) -> CommandError:
    return CommandError(
        "architectures.error.slow",
        f"this network takes longer than {seconds:g} s: make it, or its input, smaller",
        seconds=seconds,
    )


class _Clock:
    """Ends a forward that takes too long, at its next call into PyTorch."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._end

    @contextmanager
    def running(self) -> Iterator[None]:
        from torch.overrides import TorchFunctionMode

        clock = self

        class Watched(TorchFunctionMode):
            def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                if clock.is_over:
                    raise LayerlabError("it takes too long")
                return function(*args, **(kwargs or {}))

        with Watched():
            yield
