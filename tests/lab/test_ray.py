"""On a real cluster: two nodes of one core each, on this machine, reached as a cluster elsewhere is."""

from __future__ import annotations

import importlib
import itertools
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import ray
from lab_engines import GROUP, HOME, bits, outcome_of, trials_of

import layerlab
from layerlab.errors import LayerlabError
from layerlab.interrupts import Stopped
from layerlab.lab import engines, ray_workers
from layerlab.lab.runner import Progress, run_trials, workers_ready
from layerlab.lab.store import Store
from layerlab.lab.trial import Replicate, Trial

SUPPORT = Path(__file__).parents[1] / "support"
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def prepare_nodes(patch: pytest.MonkeyPatch, log: Path) -> None:
    """Let the processes that Ray begins know the engines of the tests."""
    patch.setenv("PYTHONPATH", f"{SUPPORT}:{SUPPORT / 'lab_site'}")
    patch.setenv("LAB_LOG", str(log))
    for name, value in ray_workers._QUIET.items():
        patch.setenv(name, value)


class TwoNodes:
    """A cluster, and what its nodes have run."""

    def __init__(self, folder: Path) -> None:
        from ray.cluster_utils import Cluster

        self.log = folder / "log"
        port = free_port()
        self.cluster = Cluster()
        self.add_node(ray_client_server_port=port)
        self.add_node()
        self.address = f"ray://127.0.0.1:{port}"

    def add_node(self, **options: int) -> None:
        """Begin a node; the first is the head."""
        with pytest.MonkeyPatch.context() as patch:
            prepare_nodes(patch, self.log)
            self.cluster.add_node(**NODE, **options)

    def ran(self) -> list[tuple[str, float, str]]:
        """Return key, moment and node of what has run since the log was emptied."""
        lines = [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [(key, float(moment), node) for key, moment, node in lines]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    made = TwoNodes(tmp_path_factory.mktemp("cluster"))
    yield made
    made.cluster.shutdown()


@pytest.fixture
def cluster(shared: TwoNodes) -> TwoNodes:
    shared.log.unlink(missing_ok=True)
    return shared


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name, home in HOME.items():
        monkeypatch.setitem(engines._HOME, name, home)  # type: ignore[attr-defined]
    with Store.open(tmp_path / "lab") as opened:
        yield opened
    assert not ray.is_initialized()


def expected(trials: list[Trial]) -> dict[str, str]:
    return bits({trial.key: outcome_of(trial) for trial in trials})


def test_a_cluster_of_this_machine(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    prepare_nodes(monkeypatch, tmp_path / "log")
    before = signal.getsignal(signal.SIGTERM)
    told: list[Progress] = []
    with workers_ready("ray"):
        trials = trials_of(14)
        assert bits(run_trials(trials, store, workers="ray", progress=told.append)) == expected(trials)
        assert signal.getsignal(signal.SIGTERM) == before
        assert (told[-1].done, told[-1].seconds_left) == (14, 0)
        faulty = trials_of(8, "broken", fault="raises")
        with pytest.raises(LayerlabError, match=r"3 of 8 trials could not be run.*ValueError: shapes do not fit;"):
            run_trials(faulty, store, workers="ray")
        assert bits(store.get(t.key for t in faulty)) == expected(faulty[:3] + faulty[6:])
        refused = trials_of(4, "broken", fault="refuses")
        with pytest.raises(LayerlabError, match=r"^no such network$"):
            run_trials(refused, store, workers="ray")
        # What was in flight beside it when it was refused may be stored or not.
        assert bits(store.get(t.key for t in refused)).items() <= expected(refused[:3]).items()
        assert run_trials(trials_of(2, depth=7), store, workers="ray", deadline=time.monotonic()) == {}
    assert signal.getsignal(signal.SIGTERM) == before
    assert capfd.readouterr() == ("", "")


def test_nobody_answers(store: Store) -> None:
    began = time.monotonic()
    with pytest.raises(LayerlabError) as caught:
        run_trials(trials_of(1), store, workers=f"ray://127.0.0.1:{free_port()}")
    assert "no Ray cluster answers at ray://127.0.0.1:" in str(caught.value)
    assert "Connection refused" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 15


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_somebody_else_answers(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(LayerlabError) as caught:
        run_trials(trials_of(1), store, workers=f"ray://127.0.0.1:{other.getsockname()[1]}")
    assert str(caught.value).startswith("cannot use Ray at ray://127.0.0.1:")
    assert "\n" not in str(caught.value)


def test_without_ray_the_line_that_installs_it_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(LayerlabError) as caught:
        run_trials(trials_of(1), store, workers="ray")
    assert str(caught.value) == (
        "trials on many machines need the package ray, which is not installed: pip install 'layerlab[ray]'"
    )


def test_a_node_of_another_version_trains_nothing() -> None:
    job = {"layerlab": "0.0.9", "trials": [trials_of(1)[0].to_dict()], "threads": 1}
    assert ray_workers.work(job).keys() == {"layerlab", "host"}


def test_too_few_groups_are_cut() -> None:
    groups = [trials_of(10), trials_of(7, depth=3)]
    assert list(ray_workers._parts(groups, 2)) == groups
    assert list(ray_workers._parts(groups, 0)) == groups
    assert [len(part) for part in ray_workers._parts(groups, 6)] == [4, 4, 2, 3, 3, 1]
    assert [trial for part in ray_workers._parts(groups, 99) for trial in part] == [*groups[0], *groups[1]]


def test_of_a_remote_traceback_the_last_line_is_told() -> None:
    assert ray_workers._gist(RuntimeError("Failed:\nTraceback\n  File 7\nOSError: no such host.\n")) == (
        "OSError: no such host"
    )
    assert ray_workers._gist(RuntimeError("Versions differ.\nThe cluster: 2\n")) == "Versions differ"
    assert ray_workers._gist(KeyError()) == "KeyError"


@pytest.mark.slow
def test_times_are_measured_on_one_node_with_nothing_beside(cluster: TwoNodes, store: Store) -> None:
    trials = trials_of(18, "timing", seconds=0.1) + trials_of(36, seconds=0.1)
    assert bits(run_trials(trials, store, workers=cluster.address)) == expected(trials)
    ran = sorted(cluster.ran(), key=lambda one: one[1])
    timed = {trial.key for trial in trials[:18]}
    assert [key in timed for key, *_ in ran] == [False] * 36 + [True] * 18
    assert len({node for key, _, node in ran if key in timed}) == 1
    assert len({node for key, _, node in ran if key not in timed}) == 2
    moments = [moment for _, moment, _ in ran[36:]]
    assert min(later - one for one, later in itertools.pairwise(moments)) > 0.09


@pytest.mark.slow
def test_layerlab_must_be_the_same_there(cluster: TwoNodes, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(layerlab, "__version__", "9.9")
        with pytest.raises(LayerlabError) as caught:
            run_trials(trials_of(1), store, workers=cluster.address)
    assert str(caught.value) == (
        f"the node {socket.gethostname()} of the Ray cluster has Layerlab {layerlab.__version__}, this machine has "
        "9.9; they must be equal"
    )
    assert store.get(t.key for t in trials_of(1)) == {}


@pytest.mark.slow
def test_layerlab_must_be_there(
    cluster: TwoNodes, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def work(job):\n    return {}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ray_workers, "work", importlib.import_module("only_here").work)
    with pytest.raises(LayerlabError) as caught:
        run_trials(trials_of(1), store, workers=cluster.address)
    assert str(caught.value) == (
        f"a node of the Ray cluster cannot run Layerlab {layerlab.__version__}, which must be installed there, too: "
        "No module named 'only_here'"
    )


@pytest.mark.slow
def test_a_trial_that_kills_its_process_is_the_only_one_lost(cluster: TwoNodes, store: Store) -> None:
    trials = trials_of(5, "broken", fault="dies") + trials_of(6)
    with pytest.raises(LayerlabError, match=r"2 of 11 trials could not be run.*WorkerCrashedError, 4 times; the oth"):
        run_trials(trials, store, workers=cluster.address)
    assert bits(store.get(t.key for t in trials)) == expected(trials[:3] + trials[5:])


@pytest.mark.slow
def test_ctrl_c_cancels_what_is_in_flight(cluster: TwoNodes, store: Store) -> None:
    trials = trials_of(120, seconds=0.05)
    with pytest.raises(Stopped, match=r"of 120 trials done"):
        run_trials(
            trials, store, workers=cluster.address, progress=when(12, lambda: os.kill(os.getpid(), signal.SIGINT))
        )
    stored = store.get(t.key for t in trials)
    assert 12 <= len(stored) < 60
    assert bits(stored).items() <= expected(trials).items()
    time.sleep(1)
    ran = len(cluster.ran())
    time.sleep(1)
    assert len(cluster.ran()) == ran
    assert bits(run_trials(trials, store, workers=cluster.address)) == expected(trials)


@pytest.mark.slow
def test_a_node_is_killed_half_way(cluster: TwoNodes, store: Store, tmp_path: Path) -> None:
    """The same trials as on this machine, bit for bit; what had been on the dead node has run again."""
    trials = trials_of(48, seconds=0.2)
    (node,) = cluster.cluster.worker_nodes
    lost: list[str] = []

    def kill() -> None:
        while len(lost) % GROUP != 2:  # in the midst of a group
            time.sleep(0.02)
            lost[:] = [key for key, _, its in cluster.ran() if its == node.node_id]
        cluster.cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = run_trials(trials, store, workers=cluster.address)
    killer.join()
    cluster.add_node()
    with Store.open(tmp_path / "here") as other:
        assert bits(outcomes) == bits(run_trials(trials_of(48, seconds=0.2), other)) == expected(trials)
    assert list(outcomes) == [trial.key for trial in trials]
    assert store.get(outcomes) == outcomes
    ran = [key for key, *_ in cluster.ran()]
    assert ran.count(lost[-1]) == ran.count(lost[-2]) == 2


@pytest.mark.slow
def test_the_playgrounds_networks_are_the_same_there(cluster: TwoNodes, store: Store, tmp_path: Path) -> None:
    engine = engines.engine_named("playground")
    trials = [
        Trial("playground", engine.settings({"layers": layers, "epochs": 30}, "circle"), Replicate(n, n, n), "test")
        for n in range(6)
        for layers in ([3], [4, 2])
    ]
    there = run_trials(trials, store, workers=cluster.address)
    with Store.open(tmp_path / "here") as other:
        assert bits(there) == bits(run_trials(trials, other))


@pytest.mark.slow
def test_the_cluster_dies(cluster: TwoNodes, store: Store) -> None:
    trials = trials_of(120, seconds=0.05)
    began = time.monotonic()
    with pytest.raises(LayerlabError, match=r"what was reported is stored, and the same command goes on") as caught:
        run_trials(trials, store, workers=cluster.address, progress=when(12, cluster.cluster.shutdown))
    assert time.monotonic() - began < 90
    assert "\n" not in str(caught.value)
    stored = store.get(t.key for t in trials)
    assert len(stored) >= 12
    assert bits(stored).items() <= expected(trials).items()


def when(done: int, act: Callable[[], None]) -> Callable[[Progress], None]:
    """Return what acts once, when so many trials are done."""
    acted: list[bool] = []

    def progress(state: Progress) -> None:
        if state.done >= done and not acted:
            acted.append(True)
            act()

    return progress
