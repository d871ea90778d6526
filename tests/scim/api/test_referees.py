"""Referees that nobody here wrote judge a real server over HTTP.

They make up userNames, e-mail domains, roles and members, which this server refuses with good reason. So they are fed
with what its rules accept, and the rules stay as they are: addresses in a domain that has the User requests checkmark,
the name of a role that exists, members who are there, and users who may sign in.
"""

import uuid
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import scim_sanity.probe.runner
import scim_sanity.probe.tests
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_models import (
    ListResponse,
    NotFoundException,
    PatchOp,
    PatchOperation,
    PreconditionFailedException,
    Resource,
    ResponseParameters,
    SearchRequest,
    UniquenessException,
)
from scim2_tester import Status, check_server, checkers, filling

from provisioning.services.onboarding import open_organization
from tests.servers import Server

# Where scim-sanity's users live, whatever it is told.
DOMAIN = "example.com"


@pytest.fixture
def base_url_and_token(transactional_db: None, real_server: Server) -> tuple[str, str]:
    """An organization whose people have addresses in DOMAIN."""
    slug = f"referee-{uuid.uuid4().hex[:8]}"
    opened = open_organization("Referee", slug, domains_with_requests=[DOMAIN], enable_scim=True)
    return f"{real_server.url}/scim/{slug}/v2", opened.bearer_token or ""


@pytest.fixture
def client(base_url_and_token: tuple[str, str], real_server: Server) -> WSGISCIMClient:
    """scim2-client, which checks what it sends and what comes back: payload, content type and status."""
    base_url, token = base_url_and_token
    client = WSGISCIMClient(
        forwarding_to(real_server),
        base_url=base_url,
        headers={"Authorization": f"Bearer {token}"},
        check_request_payload=True,
        check_response_payload=True,
        check_response_content_type=True,
        check_response_status_codes=True,
    )
    return client


def forwarding_to(server: Server) -> Callable[..., Iterable[bytes]]:
    """A WSGI application that hands every request on to the server, as the client speaks WSGI."""

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


@pytest.fixture
def values_that_our_rules_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What scim2-tester sends.

    It wants back just what it sent. To a manager who is a user here the server adds the name, so its managers are
    nobody here; to a member as well, so the referee sends the name that it read before.
    """
    stock = filling.generate_random_value

    def generate(context: Any, path: Any, *args: Any, **kwargs: Any) -> Any:
        binding = path.resolve()
        owner = binding.target_model.__name__.partition("[")[0] if binding and binding.target_model else ""
        match owner, binding and binding.target_field_name:
            case ("User", "user_name") | ("Emails", "value"):
                return f"{uuid.uuid4()}@{DOMAIN}"
            case ("User", "active"):
                return True
            case ("Roles", "value"):
                return "Read-only"
            case ("Manager", "ref"):
                return None
            case ("Group", "members"):
                members = stock(context, path, *args, **kwargs)
                for member in members:
                    member.display = name_of(member.ref, context)
                return members
            case _:
                return stock(context, path, *args, **kwargs)

    for module in (filling, checkers.patch_add, checkers.patch_replace):
        monkeypatch.setattr(module, "generate_random_value", generate)


def name_of(location: str, context: Any) -> str:
    """What the resource that the referee made there is called."""
    made = next(resource for resource in context.resource_manager.resources if resource.meta.location == location)
    name: str = made.display_name or made.user_name
    return name


@pytest.mark.usefixtures("values_that_our_rules_accept")
def test_scim2_tester_finds_no_fault(client: WSGISCIMClient) -> None:
    results = check_server(client)
    faults = {f"{result.title}: {result.reason}" for result in results if result.status is not Status.SUCCESS}
    assert not faults
    assert len(results) >= 130


def test_scim_sanity_finds_no_fault(
    base_url_and_token: tuple[str, str], client: WSGISCIMClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.discover()
    somebody = client.create(model(client, "User")(user_name=f"somebody@{DOMAIN}"))
    stock = scim_sanity.probe.tests.make_patch

    def about_people_who_are_there(operations: list[dict[str, Any]]) -> dict[str, Any]:
        for operation in operations:
            if operation["path"] == "members" and "value" in operation:
                operation["value"] = [{"value": somebody.id}]
        patch: dict[str, Any] = stock(operations)
        return patch

    monkeypatch.setattr(scim_sanity.probe.tests, "make_patch", about_people_who_are_there)
    base_url, token = base_url_and_token

    report = scim_sanity.probe.runner.run_probe_api(base_url, token=token, strict=True)

    # It skips agents and their applications, which are resource types of a draft.
    faults = [result for result in report["results"] if result["status"] not in ("pass", "skip")]
    assert not faults
    assert report["mode"] == "strict"
    assert report["summary"]["passed"] >= 28


@pytest.fixture
def discovered(client: WSGISCIMClient) -> WSGISCIMClient:
    """The client, which knows the resources from this server's own schemas and no others."""
    client.discover()
    return client


def model(client: WSGISCIMClient, name: str) -> Any:
    found = client.get_resource_model(name)
    assert found is not None
    return found


def change(resource: Resource[Any], op: str, path: str, value: Any = None) -> Any:
    """A PATCH of one operation."""
    return PatchOp[type(resource)](operations=[PatchOperation(op=op, path=path, value=value)])


def test_scim2_client_leads_a_user_through_life(discovered: WSGISCIMClient) -> None:
    User = model(discovered, "User")
    name, other = f"ada@{DOMAIN}", f"countess@{DOMAIN}"
    enterprise = User.get_extension_model("EnterpriseUser")
    user = discovered.create(
        User(
            user_name=name,
            external_id="a1",
            name={"givenName": "Ada", "familyName": "Lovelace"},
            emails=[{"value": name, "type": "work", "primary": True}],
            roles=[{"value": "Read-only"}],
        )
    )
    assert (user.user_name, user.active, user.roles[0].value) == (name, True, "Read-only")
    assert user.meta.location.endswith(f"/Users/{user.id}")
    with pytest.raises(UniquenessException):
        discovered.create(User(user_name=name.upper()))

    assert discovered.query(User, user.id) == user
    shown = discovered.query(User, user.id, query_parameters=ResponseParameters(attributes=["userName"]))
    assert (shown.user_name, shown.name) == (name, None)
    found = discovered.query(User, query_parameters=SearchRequest(filter=f'emails.value eq "{name}"', count=5))
    assert isinstance(found, ListResponse)
    assert (found.total_results, [each.id for each in found.resources or []]) == (1, [user.id])
    assert discovered.search(User, SearchRequest(filter='userName sw "nobody"')).total_results == 0

    user.display_name, user.nick_name = "Ada Lovelace", "Ada"
    user[enterprise] = enterprise(department="Engines")
    replaced = discovered.replace(user)
    assert (replaced.display_name, replaced[enterprise].department) == ("Ada Lovelace", "Engines")
    with pytest.raises(PreconditionFailedException):
        discovered.delete(user)

    changed = discovered.modify(replaced, patch_op=change(replaced, "replace", "userName", other))
    assert changed.user_name == other
    changed = discovered.modify(
        changed, patch_op=change(changed, "add", "phoneNumbers", [{"value": "tel:+1-555-0100"}])
    )
    assert [phone.value for phone in changed.phone_numbers] == ["tel:+1-555-0100"]
    changed = discovered.modify(changed, patch_op=change(changed, "remove", "nickName"))
    assert changed.nick_name is None
    changed = discovered.modify(changed, patch_op=change(changed, "replace", "active", False))
    assert discovered.query(User, user.id).active is False

    discovered.delete(changed)
    with pytest.raises(NotFoundException):
        discovered.query(User, user.id)


def test_scim2_client_leads_a_group_through_life(discovered: WSGISCIMClient) -> None:
    User, Group = model(discovered, "User"), model(discovered, "Group")
    ada, bob = (discovered.create(User(user_name=f"{name}@{DOMAIN}")) for name in ("ada", "bob"))
    group = discovered.create(Group(display_name="Engineering", members=[{"value": ada.id}]))
    assert [(member.value, member.type, member.display) for member in group.members] == [
        (ada.id, "User", ada.user_name)
    ]
    assert group.members[0].ref == ada.meta.location
    with pytest.raises(UniquenessException):
        discovered.create(Group(display_name="ENGINEERING"))

    assert discovered.query(Group, group.id) == group
    found = discovered.query(Group, query_parameters=SearchRequest(filter=f'members.value eq "{ada.id}"'))
    assert [each.display_name for each in found.resources] == ["Engineering"]
    assert [each.value for each in discovered.query(User, ada.id).groups] == [group.id]

    group.display_name, group.members = "Engines", [Group.Members(value=bob.id)]
    replaced = discovered.replace(group)
    assert (replaced.display_name, [member.value for member in replaced.members]) == ("Engines", [bob.id])

    changed = discovered.modify(replaced, patch_op=change(replaced, "add", "members", [{"value": ada.id}]))
    assert {member.value for member in changed.members} == {ada.id, bob.id}
    changed = discovered.modify(changed, patch_op=change(changed, "remove", f'members[value eq "{bob.id}"]'))
    assert [member.value for member in changed.members] == [ada.id]

    discovered.delete(changed)
    with pytest.raises(NotFoundException):
        discovered.query(Group, group.id)
    assert discovered.query(User, ada.id).groups is None
