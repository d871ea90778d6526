"""What clients send instead of what the RFCs ask for, and what they mean by it: one function per oddity.

The reading code asks here only after something failed its check, so clients that keep to the RFCs pay nothing. Each
function returns what was meant together with an advice for the request log, or None where it does not apply.
"""

from scim.protocol.attributes import Attribute, Json, Type

# What was meant, and the sentence that tells the client's engineer.
Healed = tuple[Json, str]

_BOOLEANS = {"true": True, "false": False}
_MOST_ADVICE = 20


def distinct(advice: list[str]) -> tuple[str, ...]:
    """Every sentence once, in the order of their coming; no more than a person would read."""
    return tuple(dict.fromkeys(advice))[:_MOST_ADVICE]


def mend_value(attribute: Attribute, value: Json) -> Healed | None:
    """What was meant by a single value of the wrong type; None if nothing that is known."""
    return (
        one_as_many(attribute, value)
        or boolean_as_text(attribute, value)
        or bare_value(attribute, value)
        or wrapped_value(attribute, value)
    )


def many_as_one(attribute: Attribute, value: Json) -> Healed | None:
    """Scripts and older client libraries: ``"emails": {"value": …}`` for a list of one."""
    if not attribute.multi_valued or not isinstance(value, dict | str):
        return None
    return value, f"'{attribute.name}' takes a list; the one value sent was read as a list of one."


def one_as_many(attribute: Attribute, value: Json) -> Healed | None:
    """Microsoft Entra ID, older connectors: ``"manager": [{"value": …}]`` for a single value."""
    if not isinstance(value, list) or len(value) != 1:
        return None
    return value[0], f"One value of '{attribute.name}' was due, not a list; the list's only element was read."


def boolean_as_text(attribute: Attribute, value: Json) -> Healed | None:
    """Microsoft Entra ID without its compliance flag: ``"active": "False"``."""
    if attribute.type is not Type.BOOLEAN or not isinstance(value, str):
        return None
    meant = _BOOLEANS.get(value.strip().lower())
    if meant is None:
        return None
    return meant, f"'{attribute.name}' is a boolean; the text sent was read as {'true' if meant else 'false'}."


def bare_value(attribute: Attribute, value: Json) -> Healed | None:
    """Microsoft Entra ID: the manager's id as a bare string; others: ``"emails": ["a@example.com"]``."""
    if attribute.type is not Type.COMPLEX or not isinstance(value, str) or not attribute.sub_attribute("value"):
        return None
    return {"value": value}, f"'{attribute.name}' takes an object; the text sent was read as its 'value'."


def wrapped_value(attribute: Attribute, value: Json) -> Healed | None:
    """Microsoft Entra ID, older connectors: ``"active": [{"value": "False"}]``."""
    if attribute.type is Type.COMPLEX or not isinstance(value, dict) or "value" not in value:
        return None
    return value["value"], f"'{attribute.name}' takes a plain value; the object's 'value' was read."


def operation_in_capitals(op: str) -> tuple[str, str] | None:
    """Microsoft Entra ID without its compliance flag: ``"op": "Replace"``."""
    if op.lower() not in ("add", "replace", "remove"):
        return None
    return op.lower(), "Operation names are lower case: 'add', 'replace', 'remove'."


def flat_name(name: str) -> str:
    """Microsoft Entra ID with its compliance flag: ``"name.givenName"`` or ``"URN:department"`` as a member's name."""
    return f"'{name[:200]}' is a path, not a member's name; it was read as the path it is."


def removal_by_value(name: str) -> str:
    """JumpCloud and Microsoft Entra ID: ``remove`` with a list of values; taken literally it would remove them all."""
    return f"A removal takes a value filter in its path; only the listed values of '{name}' were removed."


def unknown_attribute(name: str) -> str:
    """Anybody: members that no schema defines; RFC 7644 section 3.3 lets a server leave them out."""
    return f"'{name[:200]}' is not an attribute of this resource and was left out."


def unknown_schema(urn: str) -> str:
    """Microsoft Entra ID: a URN of its own beside the core one for groups."""
    return f"The schema '{urn[:200]}' is not known here; its attributes are left out."


def not_kept(attribute: Attribute) -> str:
    """Okta: a random ``password`` with every new user."""
    return f"'{attribute.name}' was not kept; this server has no use for it."


def hollow_value(attribute: Attribute) -> str:
    """Scripts: ``"emails": [{"type": "work"}]`` for "no address"."""
    return f"A value of '{attribute.name}' without a 'value' was left out."
