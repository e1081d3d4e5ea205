"""The HTTP layer over the pages: one POST each, every mistake one sentence."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from layerlab.errors import LayerlabError
from layerlab.studio.command_error import CommandError, described
from layerlab.studio.layer_pages.connecting import dense, flatten, skip
from layerlab.studio.layer_pages.convolving import convolution, transposed_convolution
from layerlab.studio.layer_pages.curves import activations
from layerlab.studio.layer_pages.loading import load_layers
from layerlab.studio.layer_pages.normalising import batch_normalization
from layerlab.studio.layer_pages.pooling import global_pooling, pooling
from layerlab.studio.layer_pages.refusal import Refusal
from layerlab.studio.layer_pages.sizes import geometry

__all__ = ["OneSentence", "router"]

MAX_BODY = 64_000


class OneSentence(APIRoute):
    """A route whose every refusal is one sentence."""

    loads = True
    """Whether what computes the Layers pages is loaded first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with its mistakes worded."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                # A body of unknown length could be endless.
                if "transfer-encoding" in request.headers or int(request.headers.get("content-length", "0")) > MAX_BODY:
                    raise CommandError(
                        "layers.error.too-long", f"a request has at most {MAX_BODY:,} bytes", limit=MAX_BODY
                    )
                if self.loads:
                    await run_in_threadpool(load_layers)
                return await handle(request)
            except RequestValidationError as error:
                return _refuse(_sentence(error))
            except HTTPException as error:  # such as a body that is nested too deeply to be read
                return _refuse(CommandError("layers.error.unreadable", f"the request cannot be read: {error.detail}"))
            except LayerlabError as error:
                return _refuse(error)

        return answer


def _refuse(error: LayerlabError) -> Response:
    return JSONResponse({"error": described(error)}, status_code=422)


def _sentence(error: RequestValidationError) -> CommandError:
    """Return the first mistake that was found."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body") or "the request"
    reason = str(first["msg"]).removeprefix("Value error, ")
    return CommandError("layers.error.invalid", f"{place}: {reason}", place=place, reason=reason)


router = APIRouter(
    prefix="/api/layers",
    route_class=OneSentence,
    responses={422: {"model": Refusal, "description": "What was given cannot be computed: one sentence."}},
)
for _page in (
    activations,
    batch_normalization,
    convolution,
    dense,
    flatten,
    geometry,
    global_pooling,
    pooling,
    skip,
    transposed_convolution,
):
    router.post(f"/{_page.__name__.replace('_', '-')}", name=_page.__name__)(_page)
