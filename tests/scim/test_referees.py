"""Referees that nobody here wrote judge a real server over HTTP.

They make up userNames, e-mail domains and roles at random, which this server refuses with good reason: so they are fed
with addresses of a domain that has the User requests checkmark, and with the name of a role that exists. Their managers
are nobody here, for to one who is, the server adds the name, and scim2-tester wants back just what it sent.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server, checkers, filling

from scim.services.onboarding import open_organization
from tests.servers import Server

DOMAIN = "acme.example"

FINE = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}

# What the referee asks for and a rule or the extent of this server denies it.
RULES_OF_OURS = {
    "check_remove_attribute: PATCH modify() did not remove attribute 'active'",  # a user always is, or is not
    # To a member the server adds the name, and the referee wants back just what it sent.
    "check_add_attribute: Attribute 'members' was not added or has unexpected value",
    "check_replace_attribute: Attribute 'members' was not replaced or has unexpected value",
    "check_remove_attribute: PATCH modify() did not remove attribute 'roles'",  # a user always has a role, and it shows
}


@pytest.fixture
def values_that_our_rules_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    stock = filling.generate_random_value

    def generate(context: Any, path: Any, *args: Any, **kwargs: Any) -> Any:
        binding = path.resolve()
        owner = binding.target_model.__name__.partition("[")[0] if binding and binding.target_model else ""
        match owner, binding and binding.target_field_name:
            case ("User", "user_name") | ("Emails", "value"):
                return f"{uuid.uuid4()}@{DOMAIN}"
            case ("Roles", "value"):
                return "Read-only"
            case ("Manager", "ref"):
                return None
            case _:
                return stock(context, path, *args, **kwargs)

    for module in (filling, checkers.patch_add, checkers.patch_replace):
        monkeypatch.setattr(module, "generate_random_value", generate)


def forwarding_to(server: Server) -> Callable[..., Iterable[bytes]]:
    """A WSGI application that hands every request on to the server, as the referee's client speaks WSGI."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        body = environ["wsgi.input"].read() or None
        answer = server.request(environ["REQUEST_METHOD"], environ["PATH_INFO"] + query, headers=headers, body=body)
        start_response(f"{answer.status} ", list(answer.headers.items()))
        return [answer.body]

    return application


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("values_that_our_rules_accept")
def test_scim2_tester_finds_no_fault(granian_server: Server) -> None:
    slug = f"referee-{uuid.uuid4().hex[:8]}"
    token = open_organization("Referee", slug, domains_with_requests=[DOMAIN], enable_scim=True).bearer_token
    client = WSGISCIMClient(
        forwarding_to(granian_server),
        base_url=f"{granian_server.url}/scim/{slug}/v2",
        headers={"Authorization": f"Bearer {token}"},
    )

    results = check_server(client)

    faults = {f"{result.title}: {result.reason}" for result in results if result.status not in FINE}
    assert {fault.partition(". (request")[0].partition("\n")[0] for fault in faults} == RULES_OF_OURS
    assert Counter(result.status for result in results)[Status.SUCCESS] >= 110
