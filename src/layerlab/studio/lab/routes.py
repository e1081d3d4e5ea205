"""The HTTP layer over the payloads and the jobs; who comes beyond this machine meets narrower limits."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from pydantic import BaseModel

from layerlab.studio.lab import answering, describing, files, recalling, taking
from layerlab.studio.lab.asking import Asked, Engine, Hash, Language, Shown, Taken, Worded
from layerlab.studio.lab.composing import experiment_of
from layerlab.studio.lab.jobs import Jobs
from layerlab.studio.lab.plotly_file import plotly_address, plotly_file
from layerlab.studio.lab.socket import watch
from layerlab.studio.layer_pages.refusal import Refusal
from layerlab.studio.layer_pages.routes import OneSentence

__all__ = ["router"]

Seen = Annotated[str | None, Header(alias="If-None-Match", include_in_schema=False)]
Packs = Annotated[str, Header(alias="Accept-Encoding", include_in_schema=False)]


class Named(BaseModel):
    """An experiment, by the hash of its design."""

    design: Hash


class Light(OneSentence):
    """A route that needs no PyTorch, the loading of which would hold up those who train."""

    loads = False


router = APIRouter()
_pages = APIRouter(
    prefix="/api/lab",
    route_class=Light,
    responses={422: {"model": Refusal, "description": "What was asked for cannot be had: one sentence."}},
)


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


@_pages.get("/catalogue")
def catalogue(request: Request) -> describing.Catalogue:
    """What there is to ask."""
    return describing.catalogue(_jobs(request).limits, plotly_address())


@_pages.get("/recalled")
def recalled() -> list[recalling.Recalled]:
    """What was asked here before and has its answer."""
    return recalling.recalled()


@_pages.get("/workshop/{engine}")
def workshop(engine: Engine) -> describing.Workshop:
    """What an own question can be made of."""
    return describing.workshop(engine)


@_pages.post("/design")
def design(asked: Asked, request: Request) -> describing.Designed:
    """What an experiment would do."""
    return describing.designed(asked, _jobs(request).limits)


@_pages.post("/run")
def run(asked: Asked, request: Request) -> Named:
    """Run an experiment, or let it wait for its turn."""
    jobs, found = _jobs(request), experiment_of(asked).design
    describing.check_size(found, jobs.limits)
    jobs.submit(found.hash, asked.model_dump())
    return Named(design=found.hash)


@_pages.post("/stop")
def stop(named: Named, request: Request) -> Named:
    """End an experiment; what it has trained is kept."""
    _jobs(request).stop(named.design)
    return named


@_pages.post("/answer")
def answer(shown: Shown) -> answering.Answered:
    """The answer in words."""
    return answering.answered(shown.design, shown.language)


@_pages.post("/figure")
def figure(worded: Worded) -> dict[str, Any]:
    """One figure of an answer, for plotly.js."""
    return answering.figure_of(worded.design, worded.number, worded.language)


@_pages.post("/trial")
def trial(taken: Taken) -> taking.Taken:
    """One trial, as the playground opens it."""
    return taking.trial_of(taken.design, taken.key)


@_pages.get("/answers/{design}/{form}", response_class=Response)
def file(design: Hash, form: files.Form, language: Annotated[Language, Query()] = "en") -> Response:
    """The report, the trials as a table, or the answer as JSON."""
    return files.file_of(design, form, language)


router.include_router(_pages)


@router.get("/plotly.js", include_in_schema=False)
def plotly(packs: Packs = "", seen: Seen = None) -> Response:
    """Return the library that draws the figures."""
    return plotly_file("gzip" in packs, seen)


@router.websocket("/ws/lab")
async def socket(websocket: WebSocket, design: str = "") -> None:
    """Tell a page of an experiment."""
    await watch(websocket, design, websocket.app.state.jobs)
