"""The HTTP layer over the payloads, and the diagram's module, which is one for every page that shows a diagram."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from layerlab.studio.architectures import payloads
from layerlab.studio.architectures.asking import Explained, File, Network, Table
from layerlab.studio.files import HERE, static_file
from layerlab.studio.layer_pages.refusal import Refusal
from layerlab.studio.layer_pages.routes import OneSentence

__all__ = ["router"]

DIAGRAM = HERE.parent / "anatomy" / "static"

router = APIRouter()
_pages = APIRouter(
    prefix="/api/architectures",
    route_class=OneSentence,
    responses={422: {"model": Refusal, "description": "What was asked for cannot be had: one sentence."}},
)


@_pages.get("/catalogue")
def catalogue() -> payloads.Catalogue:
    """What there is to choose from."""
    return payloads.catalogue()


@_pages.post("/numbers")
def numbers(asked: Network) -> payloads.Numbers:
    """A network's parameters, multiply-accumulates and memory."""
    return payloads.numbers(asked)


@_pages.post("/picture")
def picture(asked: Network) -> dict[str, Any]:
    """The layout of its diagram, block by block."""
    return payloads.picture(asked)


@_pages.post("/explanation")
def explanation(asked: Explained) -> payloads.Explanation:
    """The worked arithmetic of one layer."""
    return payloads.explanation(asked)


@_pages.post("/table")
def table(asked: Table) -> payloads.Rows:
    """Its layers, line by line."""
    return payloads.table(asked)


@_pages.post("/file")
def file(asked: File) -> payloads.Kept:
    """Its picture, page or figures as a file."""
    return payloads.file(asked)


router.include_router(_pages)


@router.get("/anatomy/static/{name}", include_in_schema=False)
async def diagram(name: str, seen: Annotated[str | None, Header(alias="If-None-Match")] = None) -> Response:
    """Return a module of the diagram."""
    return static_file(name, seen, DIAGRAM)
