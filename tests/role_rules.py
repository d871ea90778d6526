"""Role rules as tests write them: ``("department", "is", "Sales", "HR")``, saved and applied."""

from core.actors import Actor, Channel
from organizations.models import Organization
from provisioning.services.role_rules import rules
from provisioning.services.role_rules.rules import RuleInput
from users.models import GivenBy, Role, User
from users.services import roles

Line = tuple[str, str, str, str]


def role_named(organization: Organization, name: str) -> Role:
    return Role.objects.of(organization.pk).get(name=name)


def wanted(organization: Organization, *lines: Line) -> list[RuleInput]:
    return [RuleInput(*line, str(role_named(organization, name).pk)) for *line, name in lines]


def somebody(organization: Organization) -> Actor:
    return Actor(organization.pk, "Ada Moreau", Channel.PAGE)


def save(organization: Organization, *lines: Line) -> rules.RoleRuleSet:
    """Save the rules and apply them to everybody."""
    by = somebody(organization)
    expected_version = rules.set_of(organization.pk).version
    whole = rules.save(wanted(organization, *lines), expected_version=expected_version, by=by)
    while whole.is_applying:
        whole = rules.apply_some(by=by)
    return whole


def make_default(organization: Organization, name: str) -> None:
    roles.make_default(role_named(organization, name), by=somebody(organization))


def role_of(user_id: object) -> str:
    """What a user may do, and by what: ``HR by rule``, ``HR by hand``."""
    user = User.objects.select_related("role").get(pk=user_id)
    return f"{user.role} by {'hand' if user.role_given_by == GivenBy.MANUAL else user.role_given_by}"
