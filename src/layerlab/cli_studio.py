"""``layerlab studio``."""

from __future__ import annotations

from typing import Annotated

import typer

from layerlab.errors import LayerlabError

__all__ = ["studio"]


def studio(
    host: Annotated[
        str, typer.Option(help="Where to listen; 0.0.0.0 lets a class in, with the token of the printed link.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Default: the first free one from 8321.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open the playground and the layers in the browser."""
    if port is not None and not 1 <= port <= 65535:
        raise LayerlabError(f"--port is {port}; expected 1 to 65535")
    from layerlab.studio.serve import serve

    serve(host, port, open_browser=not no_browser, announce=_announce)


def _announce(address: str) -> None:
    typer.echo(f"Layerlab studio: {address} (Ctrl-C ends it)")
