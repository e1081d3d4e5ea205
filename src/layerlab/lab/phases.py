"""An experiment under way: timing, tuning, then fresh replicates; at any moment an answer so far."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from layerlab.errors import LayerlabError
from layerlab.lab.machine import this_machine
from layerlab.lab.results import Results
from layerlab.lab.runner import run_trials
from layerlab.lab.trials_of import Labelled, TrialMaker
from layerlab.lab.tuning import Choice, Grid, choose, score_metric, scores, smallest_step

if TYPE_CHECKING:
    from layerlab.lab.answer import Answer
    from layerlab.lab.design import Arm, Design
    from layerlab.lab.engines import Engine
    from layerlab.lab.progress import Progress as RunnerProgress
    from layerlab.lab.store import Store
    from layerlab.lab.trial import Outcome, Trial

__all__ = ["Phases", "Progress"]

BETWEEN_ANSWERS: Final = 1.0
"""Seconds between two answers so far, at least; and ten times as long as one takes to be found."""
SHARE_OF_BUDGET: Final = 0.9
"""Of the budget that trainings may be expected to take."""


@dataclass(frozen=True)
class Progress:
    """How far an experiment is."""

    phase: str
    """``timing``, ``tuning`` or ``replicates``."""
    done: int
    """Trials that are finished, those that were stored before among them."""
    total: int
    """As many as there will be, as far as is known: a grid that is widened adds some."""
    seconds_left: float | None
    """None: not known yet."""
    answer: Answer | None = None
    """So far: where at least two replicates of all arms are there."""


@dataclass
class Phases:
    """One run of a design.

    Args:
        design: what is run.
        engine: that trains.
        store: where trials go.
        workers: see :func:`~layerlab.lab.runner.run_trials`.
        report: told how far it is; what it raises ends the run.
        so_far: makes an answer of the results.
    """

    design: Design
    engine: Engine
    store: Store
    workers: str | int | None
    report: Callable[[Progress], None] | None
    so_far: Callable[[Sequence[Results]], Answer]
    results: list[Results] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    """What the answer must tell of the run itself: ``deadline``, ``epochs`` (cut to the budget)."""
    seconds: float = 0.0
    trials: int = 0
    _done: int = 0
    _total: int = 0
    _next_answer: float = 0.0

    def run(self) -> list[Results]:
        """Do what is left to do and return the results.

        Raises:
            LayerlabError: the budget is too small for one replicate, or the store cannot be written.
        """
        begun = time.monotonic()
        self.results = [Results(plan, self.design.tasks) for plan in self.design.plans]
        on_cluster = isinstance(self.workers, str) and self.workers.startswith("ray")
        machine = self.workers if on_cluster else this_machine()["processor"]
        self.maker = TrialMaker(self.design, self.engine, str(machine))
        self._total = self.design.trials
        self._time()
        if self.design.budget is not None:
            self._cut_to_budget(self.design.budget)
        self._equal_time()
        self._tune()
        self._replicate(None if self.design.budget is None else begun + self.design.budget)
        here = this_machine()
        others = {
            f"{name} {version}"
            for machine in self.store.machines(self.design.hash)
            for name, version in machine.items()
            if name in here and version != here[name]
        }
        if others:
            self.notes["versions"] = sorted(others)
        return self.results

    def _time(self) -> None:
        """Measure how long an update of each arm takes."""
        made = [(results, self.maker.timing(results.plan)) for results in self.results]
        outcomes = self._run("timing", [one for _, labelled in made for one in labelled], extra=True)
        for results, labelled in made:
            for arm in results.plan.arms:
                rounds = [
                    value
                    for trial, label in labelled
                    if label["arm"] == arm.name
                    and trial.key in outcomes
                    and (value := outcomes[trial.key].values.get("seconds_per_step")) is not None
                ]
                if rounds:
                    results.rounds[arm.name] = rounds

    def _cut_to_budget(self, budget: float) -> None:
        """Choose the epochs so that all trainings end in time. An arm's share of the epochs stays what it was."""
        made = [(results, self.maker.pilot(results.plan)) for results in self.results]
        outcomes = self._run("timing", [one for _, labelled in made for one in labelled], extra=True)
        at_once = self._at_once()
        cost = {key: outcome.seconds / at_once for key, outcome in outcomes.items()}
        pilots = sum(cost[trial.key] for _, labelled in made for trial, _ in labelled)
        epoch = {
            (number, arm.name): min(cost[trial.key] for trial, label in labelled if label["arm"] == arm.name)
            for number, (results, labelled) in enumerate(made)
            for arm in results.plan.arms
        }
        needed, planned = 0.0, 0.0
        epochs: dict[tuple[int, str], int] = {}
        for number, (results, _) in enumerate(made):
            plan = results.plan
            grid = len(Grid.of(plan.comparison).values) if plan.comparison.tune else 0
            for arm in plan.arms:
                tuned = grid if plan.comparison.tune_on in ("", arm.name) else 0
                runs = len(self.design.tasks) * (tuned * self.design.tuning_replicates + self.design.seeds)
                first = self.maker.first_of_grid(plan)
                own = int(self.maker.settings(plan, arm, self.design.tasks[0], first)["epochs"])
                epochs[number, arm.name] = own
                seconds = epoch[number, arm.name]
                needed += runs * seconds
                planned += runs * seconds * own
        free = SHARE_OF_BUDGET * budget - pilots
        if free < needed:
            self._refuse(budget, needed, pilots)
        share = min(1.0, free / planned) if planned else 1.0
        for (number, arm_name), own in epochs.items():
            self.results[number].epochs[arm_name] = max(1, int(own * share))
        if share < 1:
            shown = sorted({self.results[number].epochs[name] for number, name in epochs})
            self.notes["epochs"] = {"epochs": shown, "planned": sorted(set(epochs.values()))}

    def _at_once(self) -> int:
        """Return how many trials train side by side; on a cluster, whose size is not known here, one."""
        cores = os.cpu_count() or 1
        if isinstance(self.workers, str) and not self.workers.strip().isdecimal():
            return 1
        return cores if self.workers is None else max(1, min(int(self.workers), cores))

    def _refuse(self, budget: float, needed: float, pilots: float) -> None:
        least = (needed + pilots) / SHARE_OF_BUDGET
        per_seed = needed * self.design.seeds / max(1, self.design.trials)
        fewer = self.design.seeds - int((least - budget) * SHARE_OF_BUDGET / max(per_seed, 1e-9)) - 1
        fits = f", or {fewer} seeds" if 1 <= fewer < self.design.seeds else ""
        raise LayerlabError(
            f"a budget of {budget:,.0f} s is too small for {self.design.trials:,} trainings of one epoch; they take"
            f" about {least:,.0f} s: --budget {least:,.0f}s would fit{fits}"
        )

    def _equal_time(self) -> None:
        """Give each arm as many epochs as take as long as those of the slowest."""
        for results in self.results:
            comparison = results.plan.comparison
            if comparison.equal is None or comparison.equal.rule != "seconds":
                continue
            if missing := [arm.name for arm in results.plan.arms if arm.name not in results.rounds]:
                raise LayerlabError(f'the time of an update of "{missing[0]}" is not known: equal seconds need it')
            seconds = results.seconds_per_step
            slowest = max(seconds.values())
            for arm in results.plan.arms:
                first = self.maker.first_of_grid(results.plan)
                own = int(self.maker.settings(results.plan, arm, self.design.tasks[0], first)["epochs"])
                own = results.epochs.get(arm.name, own)
                results.epochs[arm.name] = max(1, round(own * slowest / seconds[arm.name]))

    def _tune(self) -> None:
        """Choose for each arm on each task; widen a grid while the best lies at its edge and it matters."""
        waiting = [results for results in self.results if results.plan.comparison.tune]
        for results in waiting:
            results.grid = Grid.of(results.plan.comparison)
        while waiting:
            for results, found in zip(waiting, self._tuning_runs(waiting), strict=True):
                results.tried = found
                self._choose(results)
            waiting = [results for results in waiting if self._widen(results)]
        for results in self.results:
            self._take_over(results)

    def _tuning_runs(self, waiting: Sequence[Results]) -> list[dict[tuple[str, str], dict[Any, list[Outcome]]]]:
        made = [list(self.maker.tuning(results, self._tuned_arms(results))) for results in waiting]
        outcomes = self._run("tuning", [labelled for one in made for _, _, labelled in one])
        found = []
        for one in made:
            tried: dict[tuple[str, str], dict[Any, list[Outcome]]] = {}
            for place, value, (trial, _) in one:
                tried.setdefault(place, {}).setdefault(value, []).append(outcomes[trial.key])
            found.append(tried)
        return found

    @staticmethod
    def _tuned_arms(results: Results) -> list[Arm]:
        only = results.plan.comparison.tune_on
        return [arm for arm in results.plan.arms if only in ("", arm.name)]

    def _choose(self, results: Results) -> None:
        comparison, grid = results.plan.comparison, results.grid
        if grid is None:
            return
        metric = score_metric(comparison)
        for (arm, task), tried in results.tried.items():
            first = self.maker.first_of_grid(results.plan)
            own = int(self.maker.settings(results.plan, results.plan.arm(arm), task, first)["epochs"])
            epochs = results.epochs.get(arm, own)
            found = {value: scores(metric, runs, epochs) for value, runs in tried.items()}
            choice = choose(grid, found, smallest_step(comparison, metric))
            results.choices[arm, task] = (choice, grid.named(choice.value))

    @staticmethod
    def _widen(results: Results) -> bool:
        """Widen the grid where a choice lies at an edge that matters; say whether there is more to run."""
        edges = {choice.edge for choice, _ in results.choices.values() if choice.edge is not None}
        widened = [edge for edge in sorted(edges) if results.grid is not None and results.grid.widen(edge)]
        return bool(widened)

    def _take_over(self, results: Results) -> None:
        """Give all arms what was chosen for the one that was tuned for all."""
        only = results.plan.comparison.tune_on
        if not only or not results.choices:
            return
        for arm in results.plan.arms:
            for task in self.design.tasks:
                choice, named = results.choices[only, task]
                edge = choice.edge if arm.name == only else None
                results.choices[arm.name, task] = (Choice(choice.value, edge), named)

    def _replicate(self, deadline: float | None) -> None:
        """Run the fresh replicates. The test part is touched here and nowhere else."""
        made = [(results, list(self.maker.replicates(results))) for results in self.results]
        labelled = [one for _, found in made for _, one in found]
        by_key: dict[str, list[tuple[Results, tuple[str, str, int], Trial]]] = {}
        for results, found in made:
            for place, (trial, _) in found:
                by_key.setdefault(trial.key, []).append((results, place, trial))

        def take(outcomes: dict[str, Outcome]) -> None:
            for key, outcome in outcomes.items():
                for results, place, trial in by_key[key]:
                    results.runs[place] = (trial, outcome)
            for results in self.results:
                results.count_complete(self.design.seeds)

        take(self._run("replicates", labelled, deadline=deadline, take=take))
        complete = min(results.replicates for results in self.results)
        if complete < self.design.seeds:
            if not complete:
                raise LayerlabError(
                    f"the budget of {self.design.budget:,.0f} s ended before one replicate of all arms was done; what"
                    " is finished is kept: the same command with a larger budget goes on"
                )
            self.notes["deadline"] = {"done": complete, "planned": self.design.seeds}

    def _run(
        self,
        phase: str,
        labelled: Iterable[Labelled],
        *,
        extra: bool = False,
        deadline: float | None = None,
        take: Callable[[dict[str, Outcome]], None] | None = None,
    ) -> dict[str, Outcome]:
        """Run trials and return their outcomes by key.

        Args:
            phase: what it is called.
            labelled: the trials.
            extra: whether the total does not count them yet.
            deadline: on the monotonic clock.
            take: gets the outcomes so far, before an answer so far is made.
        """
        pairs = list(labelled)
        self.store.link(self.design.hash, [(trial.key, label) for trial, label in pairs])
        trials = [trial for trial, _ in pairs]
        unique = {trial.key: trial for trial in trials}
        if extra:
            self._total += len(unique)
        before = self._done
        self._total = max(self._total, before + len(unique))

        def told(progress: RunnerProgress) -> None:
            if self.report is None:
                return
            answer, now = None, time.monotonic()
            if take is not None and now >= self._next_answer:
                take(self.store.get(unique))
                if min(results.replicates for results in self.results) >= 2:
                    answer = self.so_far(self.results)
                taken = time.monotonic() - now
                self._next_answer = time.monotonic() + max(BETWEEN_ANSWERS, 10 * taken)
            self.report(Progress(phase, before + progress.done, self._total, self._left(progress), answer))

        outcomes = run_trials(list(unique.values()), self.store, workers=self.workers, progress=told, deadline=deadline)
        self._done = before + len(outcomes)
        self.seconds += sum(outcome.seconds for outcome in outcomes.values())
        self.trials += len(outcomes)
        return outcomes

    def _left(self, progress: RunnerProgress) -> float | None:
        """Return the seconds left for everything: what follows this part is taken to be as fast as it."""
        if progress.seconds_left is None or progress.total == progress.done:
            return progress.seconds_left
        rest = self._total - self._done - progress.done
        return progress.seconds_left * max(1.0, rest / (progress.total - progress.done))
