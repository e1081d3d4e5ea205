"""Runs groups of trials on a Ray cluster. This process alone writes the store; all that travels is JSON values.

A group that was on a node that died runs again on another. Groups that measure time run after all others, one at a
time, on one node that nothing else of Ray's runs on meanwhile.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, Final

import layerlab
from layerlab.errors import LayerlabError
from layerlab.lab.collector import Collector
from layerlab.lab.engines import engine_named
from layerlab.lab.groups import run_group
from layerlab.lab.machine import this_machine
from layerlab.lab.trial import Outcome, Trial

__all__ = ["checked_address", "connected", "run_on_ray", "work"]

ALONE: Final = ("timing",)
"""Engines whose trials measure time."""
_RETRIES: Final = 3
"""How often a group runs again whose node or process died."""
_EACH: Final = 2
"""Groups that each core is to get at least."""
_SECONDS_TO_ANSWER: Final = 10
_SECONDS_WITHOUT_A_NODE: Final = 60
"""How long a cluster may have no node that works: one may be on its way."""
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # The monitor looks at the memory of the whole machine, and kills our tasks for what others take.
    "RAY_memory_monitor_refresh_ms": "0",
}


def checked_address(text: str) -> str:
    """Return ``ray://HOST:PORT``. Raises LayerlabError where it is none."""
    host, colon, port = text.removeprefix("ray://").rpartition(":")
    if not (text.startswith("ray://") and host and colon and port.isdecimal() and 0 < int(port) < 65536):
        raise LayerlabError(f'a Ray cluster is given as "ray://HOST:PORT" (its port usually is 10001), not "{text}"')
    return text


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be connected to a cluster inside ``with``. Where Ray is connected already, it stays as it is.

    An experiment that runs trials several times does so inside one: to begin a cluster takes some seconds.

    Args:
        address: ``ray``: a cluster of this machine's cores, ended with the block; or ``ray://HOST:PORT``.

    Raises:
        LayerlabError: Ray is not installed, nobody answers there, or Ray's or Python's versions don't fit.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise LayerlabError(
            "trials on many machines need the package ray, which is not installed: pip install 'layerlab[ray]'"
        ) from error
    if ray.is_initialized():
        yield
        return
    with _own_signals():
        try:
            if address == "ray":
                ray.init("local", include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL)
            else:
                _knock(address)
                _join(address)
        except LayerlabError:
            raise
        except Exception as error:  # Ray has many: of versions, of its own processes, of gRPC
            raise LayerlabError(f"cannot use Ray at {address}: {_gist(error)}") from error
    try:
        yield
    finally:
        with suppress(Exception):  # the cluster may be gone
            ray.shutdown()


def run_on_ray(address: str, groups: Iterable[list[Trial]], collector: Collector, deadline: float | None) -> None:
    """Run groups of trials on the cluster at ``address``; no group is handed out after ``deadline``.

    Raises:
        LayerlabError: see :func:`connected`; the cluster has died, has no node that works, or has another version of
            Layerlab; an engine refuses a trial.
        Stopped: a person asked to stop; what was in flight is cancelled.
    """
    with connected(address):
        every = list(groups)
        _Hand(collector, deadline).all([group for group in every if group[0].engine not in ALONE])
        _Hand(collector, deadline, alone=True).all([group for group in every if group[0].engine in ALONE])


def work(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run one group, on a node of the cluster.

    Args:
        job: ``layerlab``: the version of who asks; ``trials``: of one engine; ``threads``: how many of the node's
            cores, None for all.

    Returns:
        ``layerlab``: the version here; ``host``: the node's name; and where the versions are the same, ``outcomes``
        and ``failures`` by key, ``refused`` (what the engine says of a trial that it refuses, or ""), ``machine``,
        ``seconds``.
    """
    answer: dict[str, Any] = {"layerlab": layerlab.__version__, "host": socket.gethostname()}
    if job["layerlab"] != layerlab.__version__:
        return answer
    began = time.monotonic()
    trials = [Trial.from_dict(trial) for trial in job["trials"]]
    outcomes: dict[str, Any] = {}

    def report(trial: Trial, outcome: Outcome) -> None:
        outcomes[trial.key] = outcome.to_dict()

    failures, refused = [], ""
    try:
        failures = run_group(engine_named(trials[0].engine), trials, report, job["threads"])
    except LayerlabError as error:
        refused = str(error)
    return answer | {
        "outcomes": outcomes,
        "failures": {trial.key: reason for trial, reason in failures},
        "refused": refused,
        "machine": this_machine(),
        "seconds": time.monotonic() - began,
    }


class _Hand:
    """Hands groups to the cluster, as many at once as it has cores, and takes what comes back.

    Args:
        collector: what is told.
        deadline: no group is handed out after it.
        alone: whether they run one at a time, each with a whole node, always the same.
    """

    def __init__(self, collector: Collector, deadline: float | None, *, alone: bool = False) -> None:
        self._collector, self._deadline, self._alone = collector, deadline, alone
        self._options: dict[str, Any] = {"max_retries": _RETRIES}
        self._waiting: deque[list[Trial]] = deque()
        self._flying: dict[Any, list[Trial]] = {}
        self._idle_since: float | None = None

    def all(self, groups: Sequence[list[Trial]]) -> None:
        """Run them all."""
        import ray

        if not groups:
            return
        if self._alone:
            self._pin()
        self._waiting.extend(groups if self._alone else _parts(groups, _EACH * self._cores()))
        try:
            while self._waiting or self._flying:
                self._collector.check()
                if self._deadline is not None and time.monotonic() >= self._deadline:
                    self._waiting.clear()
                places = 1 if self._alone else self._cores()
                self._collector.at_once = max(places, 1)
                while self._waiting and len(self._flying) < places:
                    group = self._waiting.popleft()
                    self._flying[self._send(group)] = group
                if self._flying:
                    with _answering():
                        ended, _ = ray.wait(list(self._flying), timeout=0.2)
                    for reference in ended:
                        self._take(self._flying.pop(reference), reference)
                elif self._waiting:
                    time.sleep(0.2)
        finally:
            for reference in self._flying:
                with suppress(Exception):  # the cluster may be gone
                    ray.cancel(reference, force=True)

    def _pin(self) -> None:
        """Choose the node on which times are measured."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        with _answering():
            every: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        nodes = [node for node in every if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        if not nodes:
            raise LayerlabError("the Ray cluster has no node with a core; times are measured on one")
        node = max(nodes, key=lambda node: (node["Resources"]["CPU"], node["NodeID"]))
        self._options["num_cpus"] = node["Resources"]["CPU"]
        self._options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)

    def _cores(self) -> int:
        """Return how many cores the cluster has now. Raises LayerlabError where it has had none for a while."""
        import ray

        with _answering():
            cores = int(ray.cluster_resources().get("CPU", 0))  # type: ignore[no-untyped-call]
        if cores:
            self._idle_since = None
            return cores
        self._idle_since = self._idle_since or time.monotonic()
        if time.monotonic() - self._idle_since > _SECONDS_WITHOUT_A_NODE:
            raise LayerlabError(
                f"the Ray cluster has had no node with a core for {_SECONDS_WITHOUT_A_NODE} seconds; what was reported "
                "is stored, and the same command goes on from there"
            )
        return 0

    @cached_property
    def _task(self) -> Any:
        import ray

        return ray.remote(**self._options)(work)

    def _send(self, group: list[Trial]) -> Any:
        job = {
            "layerlab": layerlab.__version__,
            "trials": [trial.to_dict() for trial in group],
            "threads": None if self._alone else 1,
        }
        with _answering():
            try:
                return self._task.remote(job)
            except (ImportError, AttributeError) as error:  # the head of the cluster looks for :func:`work` first
                raise _not_there(error) from error

    def _take(self, group: list[Trial], reference: Any) -> None:
        """Take what a group gave."""
        import ray

        with _answering():
            try:
                answer: dict[str, Any] = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise _not_there(error.cause) from error
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
                if len(group) > 1:  # one of them may be the reason
                    self._waiting.extend([trial] for trial in group)
                else:
                    self._collector.fail([(group[0], f"{type(error).__name__}, {_RETRIES + 1} times")])
                return
        if answer["layerlab"] != layerlab.__version__:
            raise LayerlabError(
                f"the node {answer['host']} of the Ray cluster has Layerlab {answer['layerlab']}, this machine has "
                f"{layerlab.__version__}; they must be equal"
            )
        by_key = {trial.key: trial for trial in group}
        self._collector.group_ended(group[0].engine, len(group), answer["seconds"])
        for key, outcome in answer["outcomes"].items():
            self._collector.take(by_key[key], Outcome.from_dict(outcome), answer["machine"])
        self._collector.fail([(by_key[key], reason) for key, reason in answer["failures"].items()])
        if answer["refused"]:
            raise LayerlabError(answer["refused"])


@contextmanager
def _answering() -> Iterator[None]:
    """Say in one sentence that the cluster does not answer any more, whichever way Ray and gRPC put it."""
    try:
        yield
    except LayerlabError:
        raise
    except Exception as error:
        raise LayerlabError(
            f"the Ray cluster has failed ({_gist(error)}); what was reported is stored, and the same command "
            "goes on from there"
        ) from error


def _not_there(error: BaseException) -> LayerlabError:
    return LayerlabError(
        f"a node of the Ray cluster cannot run Layerlab {layerlab.__version__}, which must be installed there, too: "
        f"{_gist(error)}"
    )


def _parts(groups: Sequence[list[Trial]], least: int) -> Iterator[list[Trial]]:
    """Yield the groups, cut so that there are about ``least``: those of one machine may be too few for many."""
    pieces = max(1, math.ceil(least / len(groups)))
    for group in groups:
        size = math.ceil(len(group) / pieces)
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _knock(address: str) -> None:
    """Raise LayerlabError where nobody answers: Ray itself would try for half a minute."""
    host, _, port = checked_address(address).removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER):
            pass
    except OSError as error:
        raise LayerlabError(
            f"no Ray cluster answers at {address} ({error.strerror or error}); "
            '"ray start --head" begins one, with port 10001'
        ) from error


def _join(address: str) -> None:
    """Connect to the cluster; once more where its head was too busy to begin a process for us in half a minute."""
    import ray

    with warnings.catch_warnings(action="ignore"):  # what it warns of, it raises as well
        for again in (True, False):
            try:
                ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
            except ConnectionAbortedError:
                if not again:
                    raise
            else:
                return


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep who listens to SIGTERM: Ray takes it for itself."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)


def _gist(error: BaseException) -> str:
    """Return the line of an error that says what is wrong: the first, or the last of a traceback that it introduces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1 if lines[0].endswith(":") else 0].rstrip(".")
