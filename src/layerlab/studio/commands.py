"""The commands of the socket: one function each, ``(tab, arguments) -> result``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from layerlab.errors import did_you_mean
from layerlab.studio.arguments import Arguments, refuse
from layerlab.studio.command_error import CommandError
from layerlab.studio.observing import plain
from layerlab.studio.pacing import Plan
from layerlab.studio.point_table import read_points, write_points
from layerlab.studio.tab import LATER, Tab

__all__ = ["COMMANDS", "carry_out"]

Command = Callable[["Tab", "Arguments"], dict[str, Any]]


def open_link(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Open the network of a link."""
    from layerlab.playground.link import read_link
    from layerlab.playground.session import Session

    link = read_link(arguments.text("link", ""))
    session = Session(link.specification)
    tab.end_job()
    tab.page = dict(link.page)
    tab.adopt(session)
    return tab.state(restarted=True, warnings=list(link.warnings))


def change(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Change fields of the specification; display keys (``page``) beside them."""
    session = tab.session
    changes = arguments.mapping("changes")
    page = arguments.mapping("page")
    if any(not isinstance(value, str) or len(value) > 200 or len(key) > 100 for key, value in page.items()):
        raise CommandError(
            "error.argument", "page is no object of short texts", name="page", value="...", expected="texts"
        )
    restarted = session.change(**changes)
    if page:
        tab.page = page
    if restarted:
        tab.begin_again()
    return tab.state(restarted=restarted)


def play(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Train on and on, so much a frame, until a stop."""
    count, epochs = _amount(tab, arguments)
    frames = arguments.number("frames", 0.1, tab.limits.frames_per_second, tab.limits.frames_per_second)
    stop = arguments.mapping("stop")
    wanted = Arguments(stop)
    until_epoch = wanted.optional_whole("epoch", 0, 10**9)
    until_loss = None if stop.get("loss") is None else wanted.number("loss", 0, 1e12)
    _ready_to_train(tab)
    tab.start(Plan(count, epochs, 1 / frames, until_epoch, until_loss))
    return {}


def pause(tab: Tab, arguments: Arguments) -> dict[str, Any]:  # noqa: ARG001 - every command takes them
    """Stop training."""
    tab.pace = None
    tab.changed = True
    return {}


def step(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Train for so many minibatches or epochs."""
    count, epochs = _amount(tab, arguments)
    _ready_to_train(tab)
    tab.start(Plan(count, epochs))
    return {}


def reset(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Begin again: with the same initial weights, or with others on the same data."""
    session = tab.session
    if arguments.flag("new_weights", False):
        session.renew_weights()
    else:
        session.rewind()
    tab.begin_again()
    return tab.state(restarted=True)


def regenerate(tab: Tab, arguments: Arguments) -> dict[str, Any]:  # noqa: ARG001
    """Draw new data; the weights stay."""
    tab.session.regenerate()
    return tab.state()


def rewind(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Go back (or forward again) to an epoch of this run."""
    tab.session.rewind_to(arguments.whole("epoch", 0, 10**9))
    tab.begin_again()
    return {"epoch": tab.session.epoch}


def edit(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Set one weight, or with source -1 a bias."""
    layer, unit, source = _place(tab, arguments)
    value = arguments.number("value", -1e6, 1e6)
    tab.session.set_weight(layer, unit, source, value, arguments.optional_whole("piece", 0, 1))
    tab.changed = True
    return {}


def freeze(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Have learning leave one weight or bias alone, or no longer."""
    layer, unit, source = _place(tab, arguments)
    tab.session.freeze(layer, unit, source, arguments.flag("frozen", True))
    return tab.state()


def select(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Choose which map comes at full resolution."""
    session, wanted = tab.session, arguments.raw("map")
    if wanted is None:
        tab.selected = None
    else:
        if not isinstance(wanted, list) or len(wanted) != 2:
            refuse("map", wanted, "[layer, unit] or null")
        pair = Arguments({"layer": wanted[0], "unit": wanted[1]})
        layers = session.network.layers
        layer = pair.whole("layer", -1, len(layers) - 1)
        units = len(session.specification.features) if layer < 0 else len(layers[layer].weights)
        if units == 0:
            refuse("layer", layer, "0 or more, since there are no inputs")
        tab.selected = layer, pair.whole("unit", 0, units - 1)
    tab.changed = True
    return {}


def watch(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Choose what frames carry beside the pictures."""
    tab.watched = frozenset(name for name in ("metrics", "health") if arguments.flag(name, name in tab.watched))
    tab.changed = True
    return {}


def seeds(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Train this specification with many seeds."""
    from layerlab.studio.seeds import SeedRun

    specification, limits = tab.session.specification, tab.limits
    epochs = arguments.whole("epochs", 1, limits.seed_epochs, 100)
    if arguments.raw("seeds") is not None:
        wanted = arguments.raw("seeds")
        if not isinstance(wanted, list) or not all(
            type(seed) in (str, int) and len(str(seed)) <= 100 for seed in wanted
        ):
            refuse("seeds", wanted, "a list of seeds")
        chosen = list(dict.fromkeys(map(str, wanted)))
    else:
        chosen = [str(seed) for seed in range(arguments.whole("count", 1, 1000, 16))]
    if not 1 <= len(chosen) <= limits.seeds:
        raise CommandError(
            "error.too-many-seeds",
            f"{len(chosen)} seeds; expected 1 to {limits.seeds}",
            count=len(chosen),
            limit=limits.seeds,
        )
    tab.seed_run = SeedRun(specification, chosen, epochs, limits.slice_seconds, tab.outlet, tab.wake)
    tab.begin(tab.seed_run)
    return {"seeds": chosen, "epochs": epochs}


def cancel(tab: Tab, arguments: Arguments) -> dict[str, Any]:  # noqa: ARG001
    """End the run over seeds, or the lesson, that is under way."""
    tab.end_job()
    return {}


def open_seed(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Make this tab the run of one seed, trained as far as the run over seeds was."""
    from layerlab.playground.session import Session

    run = tab.seed_run
    if run is None:
        raise CommandError("error.no-seeds", 'there is no run over seeds yet; "seeds" makes one')
    index = arguments.whole("index", 0, len(run.seeds) - 1)
    epochs = run.epochs_of(index)
    tab.adopt(Session(run.specification.replace(seed=run.seeds[index])))
    if epochs:
        tab.start(Plan(epochs, epochs=True))
    return tab.state(restarted=True)


def inside(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Follow one point through the network and back."""
    from layerlab.playground.inside import trace

    network = tab.session.network
    x, y = arguments.number("x", -6, 6), arguments.number("y", -6, 6)
    return {"trace": plain(trace(network, x, y, arguments.number("label", -1e6, 1e6)))}


def code(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Write the network, with these weights, as source."""
    from layerlab.playground.source import write_keras, write_pytorch

    writers = {"pytorch": write_pytorch, "keras": write_keras}
    framework = arguments.text("framework", "pytorch")
    if framework not in writers:
        refuse("framework", framework, "pytorch or keras")
    return {"source": writers[framework](tab.session.network)}


def data(tab: Tab, arguments: Arguments) -> dict[str, Any]:  # noqa: ARG001
    """Return the points, as numbers and as CSV."""
    points = tab.session.points
    parts = {"train": points.train.tolist(), "test": points.test.tolist()}
    return {**parts, "csv": write_points(parts)}


def points(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Take a person's own points: a list of them, or CSV."""
    session, limits = tab.session, tab.limits
    regression = arguments.flag("regression", session.specification.problem == "regression")
    names: tuple[str, ...] = ()
    if arguments.raw("csv") is not None:
        scale = arguments.flag("scale", False)
        table = read_points(arguments.text("csv"), regression=regression, scale=scale, most=limits.points)
        values: Any = table.points
        classes, names = table.classes, table.names
    else:
        values = arguments.raw("points")
        if not isinstance(values, list) or not values:
            raise CommandError("error.no-points", "there is no point in that; expected lines of x, y and a label")
        if len(values) > limits.points:
            raise CommandError(
                "error.too-many-points",
                f"{len(values):,} points; at most {limits.points:,}",
                count=len(values),
                limit=limits.points,
            )
        classes = 2 if regression else arguments.whole("classes", 2, 6, 2)
    changes: dict[str, Any] = {"points": values, "classes": classes}
    if regression:
        changes |= {"problem": "regression", "regression_dataset": "points", "loss": "mse"}
    else:
        changes |= {"problem": "classification", "dataset": "points"}
    session.change(**changes)
    tab.begin_again()
    return tab.state(restarted=True, classes=list(names))


def lesson(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Run a guided lesson; its reply comes when it has ended. What lessons there are is said at once."""
    from layerlab.studio.lesson_run import LessonRun
    from layerlab.studio.lessons import run

    name, choices = arguments.text("name"), arguments.mapping("arguments")
    if name == "contents":
        return run(name, choices, lambda *_: None)
    tab.begin(LessonRun(arguments.raw("id"), name, choices, tab.outlet))
    return LATER


COMMANDS: Final[Mapping[str, Command]] = {
    "open": open_link,
    "change": change,
    "play": play,
    "pause": pause,
    "step": step,
    "reset": reset,
    "regenerate": regenerate,
    "rewind": rewind,
    "edit": edit,
    "freeze": freeze,
    "select": select,
    "watch": watch,
    "seeds": seeds,
    "cancel": cancel,
    "open_seed": open_seed,
    "inside": inside,
    "code": code,
    "data": data,
    "points": points,
    "lesson": lesson,
}


def carry_out(tab: Tab, name: str, arguments: Arguments) -> dict[str, Any]:
    """Do one command and return its reply, or ``LATER``.

    Raises:
        LayerlabError: there is no such command, or it cannot be done.
    """
    command = COMMANDS.get(name)
    if command is None:
        shown = name if len(name) <= 40 else f"{name[:37]}..."
        sentence = f'unknown command "{shown}"{did_you_mean(shown, COMMANDS)}'
        raise CommandError("error.unknown-command", sentence, name=shown)
    return command(tab, arguments)


def _place(tab: Tab, arguments: Arguments) -> tuple[int, int, int]:
    """Return layer, unit and source (-1: the bias) of a weight that there is."""
    layers = tab.session.network.layers
    layer = arguments.whole("layer", 0, len(layers) - 1)
    weights = layers[layer].weights
    unit = arguments.whole("unit", 0, weights.shape[0] - 1)
    return layer, unit, arguments.whole("source", -1, weights.shape[-1] - 1)


def _amount(tab: Tab, arguments: Arguments) -> tuple[int, bool]:
    epochs = arguments.raw("epochs") is not None
    return arguments.whole("epochs" if epochs else "minibatches", 1, tab.limits.step_epochs, 1), epochs


def _ready_to_train(tab: Tab) -> None:
    if tab.session.diverged:
        raise CommandError("error.diverged", "this run has diverged; reset it, or go back to an earlier epoch")
