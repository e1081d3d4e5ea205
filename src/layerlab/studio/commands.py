"""The commands of the socket: one function each, ``(tab, arguments) -> result``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

from layerlab.errors import did_you_mean
from layerlab.studio.pacing import Plan
from layerlab.studio.command_error import CommandError

if TYPE_CHECKING:
    from layerlab.studio.arguments import Arguments
    from layerlab.studio.tab import Tab

__all__ = ["COMMANDS", "unknown"]

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
    before = session.network
    session.change(**changes)
    if page:
        tab.page = page
    restarted = session.network is not before or session.epoch == 0
    return tab.state(restarted=restarted)


def play(tab: Tab, arguments: Arguments) -> dict[str, Any]:
    """Train on and on, so much a frame, until a stop."""
    count, epochs = _amount(tab, arguments)
    frames = arguments.number("frames", 0.1, tab.limits.frames_per_second, tab.limits.frames_per_second)
    stop = arguments.mapping("stop")
    wanted = type(arguments)(stop)
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


COMMANDS: Final[Mapping[str, Command]] = {
    "open": open_link,
    "change": change,
    "play": play,
    "pause": pause,
    "step": step,
}


def unknown(name: str) -> NoReturn:
    """Refuse a command that there is not."""
    shown = name if len(name) <= 40 else f"{name[:37]}..."
    raise CommandError("error.unknown-command", f'unknown command "{shown}"{did_you_mean(shown, COMMANDS)}', name=shown)


def _amount(tab: Tab, arguments: Arguments) -> tuple[int, bool]:
    epochs = arguments.raw("epochs") is not None
    return arguments.whole("epochs" if epochs else "minibatches", 1, tab.limits.step_epochs, 1), epochs


def _ready_to_train(tab: Tab) -> None:
    if tab.session.divergence is not None:
        raise CommandError("error.diverged", "this run has diverged; reset it, or go back to an earlier epoch")
