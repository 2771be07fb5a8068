"""The API's description says what the server does, no more and no less."""

import re
from typing import Any

import aiohttp
from aiohttp import web

from app.core.state import JobState, StageState
from app.web.calls import OPERATIONS
from app.web.models import JobAnswer, StageAnswer
from app.web.openapi import describe
from app.web.routes import api_routes
from tests.integration.serving import Server, upload


def refs(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(refs(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(refs(value) for value in node))
    return set()


def test_every_address_of_the_api_is_described_and_no_other() -> None:
    served = {(route.method.lower(), route.path) for route in api_routes()}
    described = {
        (method, path) for path, methods in describe()["paths"].items() for method in methods
    }
    assert described == served


def test_every_reference_leads_somewhere() -> None:
    document = describe()
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert refs(document) <= known


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [
        operation["operationId"]
        for methods in describe()["paths"].values()
        for operation in methods.values()
    ]
    assert len(names) == len(set(names))


def test_every_parameter_in_a_path_is_described() -> None:
    for path, methods in describe()["paths"].items():
        for operation in methods.values():
            inside = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert inside == set(re.findall(r"\{(\w+)\}", path))


def test_the_described_job_is_the_fold_with_links() -> None:
    assert set(JobAnswer.model_fields) == set(JobState.__annotations__) | {"links", "queue"}
    assert set(StageAnswer.model_fields) == set(StageState.__annotations__)


def test_what_has_to_be_said_in_an_address_is_said_so() -> None:
    needed = {
        (call.method, call.path, name)
        for call in OPERATIONS
        if call.query is not None
        for name, field in call.query.model_fields.items()
        if field.is_required()
    }
    described = {
        (method, path, given["name"])
        for path, methods in describe()["paths"].items()
        for method, call in methods.items()
        for given in call["parameters"]
        if given["in"] == "query" and given["required"]
    }
    assert described == needed
    assert needed


async def test_a_client_made_from_the_description_can_resume_an_upload(
    ann: aiohttp.ClientSession,
) -> None:
    described = describe()["paths"]["/api/v1/uploads/"]["post"]["parameters"]
    headers = {
        given["name"]: str(given["schema"].get("const", 9))
        for given in described
        if given["required"] or given["name"] == "Upload-Length"
    }
    async with ann.post("/api/v1/uploads/", headers=headers) as answer:
        assert answer.status == 201, await answer.text()


async def test_the_description_is_served(stranger: aiohttp.ClientSession) -> None:
    async with stranger.get("/openapi.json") as answer:
        document = await answer.json()
    assert (answer.status, document["openapi"]) == (200, "3.1.0")


async def test_answers_have_exactly_the_described_fields(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    schemas = describe()["components"]["schemas"]
    accepted = await upload(ann, ("a.csv", b"a,b\n1,2\n"))
    batch, job = accepted["batch_id"], accepted["jobs"][0]["job_id"]
    for path, name in {
        f"/api/v1/batches/{batch}": "BatchAnswer",
        "/api/v1/batches": "BatchList",
        f"/api/v1/jobs/{job}": "JobAnswer",
        "/api/v1/jobs": "JobList",
        f"/api/v1/jobs/{job}/events": "EventList",
        f"/api/v1/jobs/{job}/rows": "RowList",
        f"/api/v1/jobs/{job}/delta": "Delta",
        "/api/v1/auth/me": "Me",
        "/healthz": "Health",
        "/readyz": "Readiness",
    }.items():
        async with ann.get(path) as answer:
            found, described = set(await answer.json()), set(schemas[name]["properties"])
        # a place in the queue is told only while the job waits, which is a matter of moments
        assert found | {"queue"} == described | {"queue"}, path
    assert set(accepted) == set(schemas["Accepted"]["properties"])


def test_sockets_pages_and_forms_are_no_part_of_the_api() -> None:
    assert all(isinstance(route, web.RouteDef) for route in api_routes())
    assert not any(path.startswith("/ws") for path in describe()["paths"])
