"""What scim2-models makes of the same PATCH; where we differ, the reason is written here."""

from copy import deepcopy
from typing import Any

import scim2_models
from hypothesis import assume, given

from scim.protocol import errors
from tests.scim.protocol.samples import patch_body, patched
from tests.scim.protocol.test_patch import OPERATIONS, PEOPLE

User = scim2_models.User[scim2_models.EnterpriseUser]
PatchOp = scim2_models.PatchOp[User]


def ours(resource: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    """The resource after the operation, or None for a refusal."""
    try:
        return patched(resource, operation)
    except errors.ScimError:
        return None


def theirs(resource: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    try:
        user = User.model_validate(deepcopy(resource))
        patch = PatchOp.model_validate(patch_body(operation), scim_ctx=scim2_models.Context.RESOURCE_PATCH_REQUEST)
        patch.patch(user)
    except (scim2_models.SCIMException, ValueError):
        return None
    return user.model_dump(by_alias=True, exclude_none=True, mode="json")


def gist(resource: dict[str, Any] | None) -> Any:
    """What a resource says, without what is empty and without `schemas`, which they never take back."""
    if resource is None:
        return "refused"
    return {name: value for name, value in resource.items() if value not in ({}, []) and name != "schemas"}


def reason_to_differ(resource: dict[str, Any], operation: dict[str, Any]) -> str | None:
    op, path, value = operation["op"], operation["path"], operation.get("value")
    emails = resource.get("emails", [])
    if op == "add" and (value is None or (isinstance(value, dict) and None in value.values())):
        return "Adding nothing changes nothing; they refuse a null, or take it for a removal inside an object."
    if value == "" or (isinstance(value, dict) and "" in value.values()):
        return "A text that shows nothing is no value; they keep it."
    if op == "add" and path == "emails":
        there = {email["value"].lower() for email in emails}
        new = [email["value"].lower() for email in value]
        if there.intersection(new) or len(set(new)) < len(new):
            return "A value that is there already is not added again, whatever else is said of it."
    if op == "replace" and path == "emails" and len({email["value"].lower() for email in value}) < len(value):
        return "RFC 7643 section 2.4: the same value of the same type comes once; they keep both."
    if op == "remove" and path.endswith('"].value'):
        return "An e-mail without its address is of no use; they keep its type."
    if path.startswith("emails[") and not any(f'"{email.get("type")}"' in path for email in emails):
        return (
            "RFC 7644 table 9 has noTarget for a filter without a match, which they pass over when removing; "
            "Entra needs the value made that the filter describes."
        )
    if op == "replace" and path.endswith('"]'):
        return "RFC 7644 section 3.5.2.3 has the selected values replaced; they merge."
    return None


@given(PEOPLE, OPERATIONS)
def test_both_do_the_same_unless_there_is_a_reason(resource: dict[str, Any], operation: dict[str, Any]) -> None:
    assume(reason_to_differ(resource, operation) is None)
    assert gist(ours(resource, operation)) == gist(theirs(resource, operation))
