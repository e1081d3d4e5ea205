"""``layerlab ask``, ``layerlab sweep`` and ``layerlab lab``: experiments on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from layerlab.cli_output import print_json, print_table
from layerlab.errors import LayerlabError, did_you_mean

if TYPE_CHECKING:
    from layerlab.lab.answer import Answer
    from layerlab.lab.experiment import Experiment

__all__ = ["ask", "lab", "sweep"]

FORMATS = ("csv", "parquet", "html", "json")
LANGUAGES = ("en", "pl")

BudgetOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="For everything, e.g. 10m: epochs are cut to fit.")
]
SeedsOption = Annotated[
    int | None, typer.Option(help="Replicates (default 10); with fewer than 6 the answer is exploratory.")
]
TuneOption = Annotated[
    list[str] | None,
    typer.Option(metavar="FACTOR[=A,B]", help="Tuned for each arm on validation parts (default: the learning rate)."),
]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="FACTOR=VALUE", help="Held for all arms.")]
EqualOption = Annotated[str | None, typer.Option(help="What arms have the same of: parameters, macs or seconds.")]
MetricOption = Annotated[str | None, typer.Option(help="What decides, e.g. loss, accuracy, epochs_to_target.")]
WorkersOption = Annotated[
    str | None, typer.Option(metavar="N|ray://HOST:PORT", help="Cores (default: all), or a Ray cluster.")
]
OutputOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where trials, answer and report are kept (default: experiments/).")
]
LanguageOption = Annotated[str, typer.Option(help="en or pl.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]


def ask(
    question: Annotated[
        str | None, typer.Argument(metavar="QUESTION", help="A name (none: the list), or a .toml file of your own.")
    ] = None,
    on: Annotated[
        str | None, typer.Option(metavar="TASK,...", help="Tasks or a data set (default: the question's).")
    ] = None,
    arms: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B,...", help="Networks of the zoo, or factors as depth=4+width=8, instead of its own."),
    ] = None,
    seeds: SeedsOption = None,
    budget: BudgetOption = None,
    tune: TuneOption = None,
    fixed: SetOption = None,
    equal: EqualOption = None,
    metric: MetricOption = None,
    workers: WorkersOption = None,
    output: OutputOption = None,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Ask an architectural question and get an answer that was measured; without one, list the questions."""
    _check_language(language)
    if question is None:
        _list(as_json)
        return
    from layerlab.lab.experiment import Experiment
    from layerlab.lab.levels import read_fixed, read_grids

    experiment = Experiment(
        question,
        arms=_arms(arms),
        metric=metric,
        nuisance=_grids(read_grids(tune, "--tune"), on) if tune else None,
        fixed=read_fixed(fixed, "--set") if fixed else None,
        budget=budget,
        seeds=seeds,
        on=[task.strip() for task in on.split(",")] if on else None,
        equal=equal,
        folder=output,
        workers=_workers(workers),
    )
    _answer(experiment, language, as_json=as_json, quiet=quiet)


def sweep(
    data: Annotated[str, typer.Option(metavar="TASK,...", help="A data set (layerlab data), or 2-D tasks.")] = "",
    vary: Annotated[
        list[str] | None, typer.Option(metavar="FACTOR=A,B", help="Levels of a factor; several: all combinations.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A zoo name, mlp or cnn (default: a playground network, on 2-D tasks).")
    ] = None,
    tune: TuneOption = None,
    fixed: SetOption = None,
    seeds: SeedsOption = None,
    equal: EqualOption = None,
    metric: MetricOption = None,
    budget: BudgetOption = None,
    workers: WorkersOption = None,
    output: OutputOption = None,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare levels of factors, each with its own tuned learning rate, over fresh seeds."""
    _check_language(language)
    from layerlab.lab.levels import read_fixed, read_grids, read_levels
    from layerlab.lab.sweep import sweep as make

    experiment = make(
        [task.strip() for task in data.split(",") if task.strip()],
        read_levels(vary or [], "--vary"),
        model=model,
        tune=read_grids(tune, "--tune") if tune else None,
        fixed=read_fixed(fixed, "--set") if fixed else None,
        equal=equal,
        metric=metric,
        seeds=10 if seeds is None else seeds,
        budget=budget,
        folder=output,
        workers=_workers(workers),
    )
    _answer(experiment, language, as_json=as_json, quiet=quiet)


lab = typer.Typer(name="lab", help="Show, go on with, or export the experiments of a folder.")
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of an experiment.")]


@lab.callback(invoke_without_command=True)
def _lab(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@lab.command()
def show(folder: FolderArgument, language: LanguageOption = "en", as_json: JsonOption = False) -> None:
    """Print what is known: the answers, and what is unfinished."""
    _check_language(language)
    from layerlab.lab.kept import stored
    from layerlab.lab.store import Store

    found = stored(folder)
    if as_json:
        print_json([one.answer.to_dict() for one, answered in found if answered])
        return
    for number, (experiment, answered) in enumerate(found):
        if number:
            print()
        if answered:
            _print(experiment.answer, language)
            continue
        with Store.open(experiment.folder, create=False) as store:
            done = len(store.trials(experiment.design.hash))
        print(f"{experiment.request.title.get(language) or experiment.request.title['en']}")
        print(
            f"unfinished: {done:,} of about {experiment.design.trials:,} trials; layerlab lab resume {folder} goes on"
        )


@lab.command()
def resume(
    folder: FolderArgument,
    workers: WorkersOption = None,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Go on with what is unfinished; what has run is not run again."""
    _check_language(language)
    from layerlab.lab.kept import stored

    found = stored(folder, workers=_workers(workers))
    for experiment, _ in [one for one in found if not one[1]] or found[-1:]:
        _answer(experiment, language, as_json=as_json, quiet=quiet)


@lab.command()
def export(
    folder: FolderArgument,
    formats: Annotated[str, typer.Option("--format", metavar="A,B", help=f"Any of {', '.join(FORMATS)}.")] = ",".join(
        FORMATS
    ),
    output: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to (default: the same folder).")] = None,
    language: LanguageOption = "en",
) -> None:
    """Write every trial as a table, and the answer as a page and as JSON."""
    _check_language(language)
    wanted = [one.strip() for one in formats.split(",") if one.strip()]
    for one in wanted:
        if one not in FORMATS:
            raise LayerlabError(f'no format "{one}"{did_you_mean(one, FORMATS)}')
    from layerlab.lab.export import export_experiment
    from layerlab.lab.kept import stored

    experiment, answered = stored(folder)[-1]
    for path in export_experiment(experiment, answered, wanted, output or folder, language):
        print(f"{path}: written")


def _list(as_json: bool) -> None:
    from layerlab.lab.question import list_questions, question

    known = [question(name) for name in list_questions()]
    if as_json:
        print_json([{"name": one.name, "title": dict(one.title)} for one in known])
        return
    rows = [(one.name, one.title["en"], one.title.get("pl", "")) for one in known]
    print_table(("question", "in English", "po polsku"), rows, numbers=())
    print("layerlab ask NAME answers one; a .toml file of your own works too, and layerlab sweep needs none.")


def _answer(experiment: Experiment, language: str, *, as_json: bool, quiet: bool) -> None:
    """Run, print, write the report."""
    from layerlab.interrupts import Stopped
    from layerlab.lab.watching import watched
    from layerlab.lab.words.beforehand import beforehand

    if not quiet and sys.stderr.isatty() and not experiment.answered:
        print(beforehand(experiment.design, language), file=sys.stderr)
    try:
        answer = watched(experiment, language, shown=False if quiet else None)
    except Stopped as stopped:
        print(f"layerlab: {stopped}, as does layerlab lab resume {experiment.folder}", file=sys.stderr)
        raise typer.Exit(130) from stopped
    report = experiment.report(language=language)
    if as_json:
        print_json(answer.to_dict())
    else:
        _print(answer, language)
        print(f"report  {report}")


def _print(answer: Answer, language: str) -> None:
    from layerlab.lab.words.terminal import text_table

    print(text_table(answer, language))


def _arms(given: list[str] | None) -> list[str] | None:
    """Return the arms: separated by commas, except those behind a colon, which are knobs."""
    if not given:
        return None
    found: list[str] = []
    for text in given:
        for part in text.split(","):
            knob_of_last = found and ":" in found[-1] and "=" in part and ":" not in part
            if knob_of_last:
                found[-1] += f",{part.strip()}"
            elif part.strip():
                found.append(part.strip())
    return found


def _grids(grids: dict[str, list[float]], on: str | None) -> dict[str, list[float]]:
    """Return the grids, an empty one as the customary one of the tasks."""
    if all(grids.values()):
        return grids
    from layerlab.lab.compose import LEARNING_RATES, engine_for

    tasks = [task.strip() for task in on.split(",")] if on else ["circle"]
    customary = list(LEARNING_RATES[engine_for(tasks, {})])
    if missing := [name for name, grid in grids.items() if not grid and name != "learning_rate"]:
        raise LayerlabError(f"--tune {missing[0]}: which values? Write --tune {missing[0]}=A,B,C")
    return {name: grid or customary for name, grid in grids.items()}


def _workers(given: str | None) -> str | int | None:
    return int(given) if given is not None and given.isdigit() else given


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise LayerlabError(f'--language "{language}"; known: en, pl')
