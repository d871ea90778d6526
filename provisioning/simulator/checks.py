"""What every identity provider counts on in an answer, as faults in words (RFC 7644 section 3)."""

from collections.abc import Iterator, Mapping
from typing import Any

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def faults(method: str, status: int, headers: Mapping[str, str], body: Any) -> Iterator[str]:
    """What is wrong with an answer; ``headers`` by lower-case names, ``body`` None where there is none."""
    if status == 204:
        if body is not None:
            yield "an answer without content has a body"
        return
    media_type = headers.get("content-type", "").partition(";")[0].strip()
    if media_type != "application/scim+json":
        yield f"the media type is {media_type or 'missing'}, not application/scim+json"
    if not isinstance(body, dict):
        yield "the body is no JSON object"
        return
    if empty := list(_nulls(body, "$")):
        yield f"null at {', '.join(empty)}"
    if "password" in body:
        yield "a password came back"
    schemas = body.get("schemas", [])
    if status >= 400:
        if schemas != [ERROR] or body.get("status") != str(status) or not body.get("detail"):
            yield f"the error is no SCIM error with schemas, status and detail: {body}"
    elif LIST in schemas:
        yield from _faults_of_list(body)
    else:
        yield from _faults_of_resource(body)
        location = headers.get("location")
        if (method, status) == ("POST", 201) and location != body.get("meta", {}).get("location"):
            yield f"Location is {location or 'missing'}, not where the new resource is"


def lacks(value: Any, wanted: Any, where: str = "$") -> Iterator[str]:
    """What of ``wanted`` an answer does not have; it may have more members."""
    match wanted:
        case Mapping():
            if not isinstance(value, dict):
                yield f"{where}: {value!r} is no object"
                return
            for name, inner in wanted.items():
                if name in value:
                    yield from lacks(value[name], inner, f"{where}.{name}")
                else:
                    yield f"{where}.{name} is missing: {value!r}"
        case list():
            if not isinstance(value, list):
                yield f"{where}: {value!r} is no list"
            elif len(value) != len(wanted):
                yield f"{where} has {len(value)} elements, not {len(wanted)}: {value!r}"
            else:
                for place, inner in enumerate(wanted):
                    yield from lacks(value[place], inner, f"{where}[{place}]")
        case _ if value != wanted or type(value) is not type(wanted):
            yield f"{where}: {value!r}, not {wanted!r}"


def _faults_of_list(body: dict[str, Any]) -> Iterator[str]:
    total, resources = body.get("totalResults"), body.get("Resources", [])
    if type(total) is not int:
        yield "totalResults is no number"
    if not isinstance(resources, list):
        yield "Resources is no list"
        return
    if body.get("itemsPerPage", len(resources)) != len(resources):
        yield "itemsPerPage is not the number of resources"
    for resource in resources:
        yield from _faults_of_resource(resource)


def _faults_of_resource(resource: Any) -> Iterator[str]:
    identifier = resource.get("id") if isinstance(resource, dict) else None
    if not isinstance(identifier, str) or not identifier:
        yield "a resource without an id"
        return
    location = resource.get("meta", {}).get("location")
    if not isinstance(location, str) or not location.endswith(f"/{identifier}"):
        yield f"meta.location leads elsewhere: {location}"


def _nulls(value: Any, where: str) -> Iterator[str]:
    match value:
        case None:
            yield where
        case dict():
            for name, inner in value.items():
                yield from _nulls(inner, f"{where}.{name}")
        case list():
            for place, inner in enumerate(value):
                yield from _nulls(inner, f"{where}[{place}]")
