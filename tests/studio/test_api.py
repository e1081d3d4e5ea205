"""Every request that the studio's own description allows, and many that it does not: never a 500."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from layerlab.studio.app import create_app
from layerlab.studio.architectures.loading import load_zoo

load_zoo()  # before the studio's own thread does: Python's parser, which Hypothesis uses, is not for two at once
schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(host="testserver"))


@schema.parametrize()
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
def test_no_request_is_too_much(case: schemathesis.Case) -> None:
    response = case.call()
    assert response.status_code < 500, response.text
    case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])
    assert response.headers["x-content-type-options"] == ["nosniff"]


def test_the_description_names_what_there_is() -> None:
    paths = {path for path, _ in schema.raw_schema["paths"].items()}
    assert "/locale/{language}.json" in paths
    assert any(path.startswith("/api/layers/") for path in paths)
