"""Role rules as tests write them: ``("department", "is", "Sales", "HR")``, saved and applied."""

from core.actors import Actor, Door
from organizations.models import Organization
from provisioning.services.role_rules import rules
from provisioning.services.role_rules.rules import Wanted
from users.models import Role, User
from users.services import roles

Line = tuple[str, str, str, str]


def role_named(organization: Organization, name: str) -> Role:
    return Role.objects.of(organization.pk).get(name=name)


def wanted(organization: Organization, *lines: Line) -> list[Wanted]:
    return [Wanted(*line, str(role_named(organization, name).pk)) for *line, name in lines]


def somebody(organization: Organization) -> Actor:
    return Actor(organization.pk, "Ada Moreau", Door.PAGE)


def save(organization: Organization, *lines: Line) -> rules.RoleRuleSet:
    """Save the rules and apply them to everybody."""
    by = somebody(organization)
    seen = rules.set_of(organization.pk).version
    whole = rules.save(wanted(organization, *lines), seen=seen, by=by)
    while whole.is_applying:
        whole = rules.apply_some(by=by)
    return whole


def make_default(organization: Organization, name: str) -> None:
    roles.make_default(role_named(organization, name), by=somebody(organization))


def role_of(user_id: object) -> str:
    """What a user may do, and by what: ``HR by rule``."""
    user = User.objects.select_related("role").get(pk=user_id)
    return f"{user.role} by {user.role_given_by}"
