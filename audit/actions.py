"""The table of audited actions: for each, the sentence that an auditor reads."""

from collections.abc import Mapping

from django.db import models


class Action(models.TextChoices):
    """What happened; the label is a sentence to be filled with actor and target."""

    ORGANIZATION_CREATED = "organization.created", "{actor} created the organization {target}"
    ORGANIZATION_UPDATED = "organization.updated", "{actor} changed the organization {target}"
    ORGANIZATION_SUSPENDED = "organization.suspended", "{actor} suspended the organization {target}"
    ORGANIZATION_REACTIVATED = "organization.reactivated", "{actor} reactivated the organization {target}"
    SLUG_CHANGED = "organization.slug-changed", "{actor} changed the slug of {target}"
    FORMER_SLUG_EXTENDED = "organization.slug-extended", "{actor} let the former slug {target} work for longer"
    FORMER_SLUG_ENDED = "organization.slug-ended", "{actor} ended the former slug {target}"
    SUPPORT_REQUESTED = "support.requested", "{actor} let operators look at {target}"
    SUPPORT_ENDED = "support.ended", "{actor} ended operators' access to {target}"
    SUPPORT_ENTERED = "support.entered", "{actor} began to look at the organization {target}"
    SUPPORT_LEFT = "support.left", "{actor} no longer looks at the organization {target}"
    SUPPORT_VIEWED = "support.viewed", "{actor} looked at {target}"
    MAIL_RETRIED = "mail.retried", "{actor} had the mail {target} tried again at once"
    USER_CREATED = "user.created", "{actor} created {target}"
    USER_UPDATED = "user.updated", "{actor} changed {target}"
    USER_ADOPTED = "user.adopted", "{actor} took over {target} from manual management"
    USER_SUSPENDED = "user.suspended", "{actor} suspended {target}"
    USER_RESTORED = "user.restored", "{actor} restored {target}"
    USER_DELETED = "user.deleted", "{actor} deleted {target}"
    USER_ROLE_CHANGED = "user.role-changed", "{actor} changed the role of {target}"
    USER_ROLE_LEFT_TO_RULES = "user.role-left-to-rules", "{actor} left the role of {target} to the role rules"
    USER_TRANSFERRED = "user.transferred", "{actor} handed {target} over to another connection"
    USER_ADDRESS_APPLIED = "user.address-applied", "{actor} applied the address that SCIM sent for {target}"
    USER_RESET_ALLOWED = "user.reset-allowed", "{actor} allowed {target} to set a password by mail"
    USER_CHANGE_UNDONE = "user.change-undone", "{actor} undid: {target}"
    USER_PASSWORD_CHANGED = "user.password-changed", "{actor} set a new password for {target}"  # noqa: S105
    USER_SIGNED_IN = "user.signed-in", "{target} signed in"
    INVITATION_SENT = "invitation.sent", "{actor} invited {target}"
    INVITATION_SENT_AGAIN = "invitation.sent-again", "{actor} sent the invitation of {target} again"
    INVITATION_REVOKED = "invitation.revoked", "{actor} revoked the invitation of {target}"
    INVITATION_ENDED = (
        "invitation.ended",
        "The invitation of {target} ended, because {actor} took its inviter’s rights away",
    )
    INVITATION_ACCEPTED = "invitation.accepted", "{target} accepted the invitation"
    REQUEST_CONFIRMED = "account-request.confirmed", "{target} asked for an account"
    REQUEST_APPROVED = "account-request.approved", "{actor} approved the account request of {target}"
    REQUEST_DECLINED = "account-request.declined", "{actor} declined the account request of {target}"
    REQUEST_NOTIFICATION_ADDED = "request-notification.added", "{actor} had {target} mailed about account requests"
    REQUEST_NOTIFICATION_REMOVED = (
        "request-notification.removed",
        "{actor} stopped mailing {target} about account requests",
    )
    PERSONAL_TOKEN_MADE = "user.token-made", "{actor} made the personal token {target}"  # noqa: S105
    PERSONAL_TOKEN_REVOKED = "user.token-revoked", "{actor} revoked the personal token {target}"  # noqa: S105
    GROUP_CREATED = "group.created", "{actor} created the group {target}"
    GROUP_UPDATED = "group.updated", "{actor} changed the group {target}"
    GROUP_MEMBERS_CHANGED = "group.members-changed", "{actor} changed who is in the group {target}"
    GROUP_DELETED = "group.deleted", "{actor} deleted the group {target}"
    ROLE_CREATED = "role.created", "{actor} made the role {target}"
    ROLE_UPDATED = "role.updated", "{actor} changed the role {target}"
    ROLE_DELETED = "role.deleted", "{actor} deleted the role {target}"
    ROLE_SWITCHED_ON = "role.switched-on", "{actor} switched the role {target} on"
    ROLE_SWITCHED_OFF = "role.switched-off", "{actor} switched the role {target} off"
    USERS_EXPORTED = "users.exported", "{actor} exported the list of people of {target}"
    AUDIT_LOG_EXPORTED = "audit-log.exported", "{actor} exported the audit log of {target}"
    REQUEST_LOG_EXPORTED = "request-log.exported", "{actor} exported the request log of {target}"
    DEFAULT_ROLE_CHANGED = "role.default-changed", "{actor} made {target} the default role"
    DOMAIN_ADDED = "domain.added", "{actor} added the domain {target}"
    DOMAIN_VERIFIED = "domain.verified", "{actor} verified the domain {target}"
    DOMAIN_REMOVED = "domain.removed", "{actor} removed the domain {target}"
    DOMAIN_ALLOWED = "domain.allowed", "{actor} allowed User requests for {target}"
    DOMAIN_DISALLOWED = "domain.disallowed", "{actor} stopped User requests for {target}"
    TOKEN_GENERATED = "scim.token-generated", "{actor} generated the SCIM token {target}"  # noqa: S105
    TOKEN_REVOKED = "scim.token-revoked", "{actor} revoked the SCIM token {target}"  # noqa: S105
    TOKEN_RENAMED = "scim.token-renamed", "{actor} renamed the SCIM token {target}"  # noqa: S105
    TOKEN_ROTATED = "scim.token-rotated", "{actor} rotated the SCIM token {target}"  # noqa: S105
    TOKEN_RETIREMENT_PLANNED = "scim.token-retirement-planned", "{actor} set the day on which {target} retires"  # noqa: S105
    TOKEN_KEPT = "scim.token-kept", "{actor} decided that the SCIM token {target} does not retire"  # noqa: S105
    TOKEN_RETIRED = "scim.token-retired", "{actor} retired the SCIM token {target}, for its successor works"  # noqa: S105
    SCIM_TESTED = "scim.tested", "{actor} tested the SCIM set-up with {target}"
    SCIM_ENABLED = "scim.enabled", "{actor} enabled SCIM ({target})"
    SCIM_DISABLED = "scim.disabled", "{actor} disabled SCIM ({target})"
    SCIM_ADMIN_ALLOWED = "scim.admin-allowed", "{actor} let SCIM manage Admins ({target})"
    SCIM_GROUPS_ALLOWED = "scim.groups-allowed", "{actor} let SCIM manage groups ({target})"
    SCIM_GROUPS_DISALLOWED = "scim.groups-disallowed", "{actor} stopped SCIM from managing groups ({target})"
    SCIM_ADMIN_DISALLOWED = "scim.admin-disallowed", "{actor} stopped SCIM from managing Admins ({target})"
    ROLE_RULES_SAVED = "scim.role-rules-saved", "{actor} saved the {target}"
    SCIM_STRICT_ON = "scim.strict-on", "{actor} turned on the strict mode of SCIM ({target})"
    SCIM_STRICT_OFF = "scim.strict-off", "{actor} turned off the strict mode of SCIM ({target})"
    SCIM_SECONDARY_ALLOWED = "scim.secondary-allowed", "{actor} let SCIM give secondary addresses anywhere ({target})"
    SCIM_SECONDARY_DISALLOWED = "scim.secondary-disallowed", "{actor} kept SCIM's addresses to the domains ({target})"
    CONNECTION_ADDED = "scim.connection-added", "{actor} added the SCIM connection {target}"
    CONNECTION_CHANGED = "scim.connection-changed", "{actor} changed the SCIM connection {target}"
    CONNECTION_REMOVED = "scim.connection-removed", "{actor} removed the SCIM connection {target}"
    USERS_TRANSFERRED = "scim.users-transferred", "{actor} handed over the users of the SCIM connection {target}"
    SCIM_BRAKE_PAUSED = "scim.brake-paused", "{actor} was held back by the brake ({target})"
    SCIM_BRAKE_RESUMED = "scim.brake-resumed", "{actor} released the brake ({target})"
    SCIM_BRAKE_KEPT_PAUSED = "scim.brake-kept-paused", "{actor} kept SCIM held back by the brake ({target})"
    SCIM_BRAKE_ON = "scim.brake-on", "{actor} turned on the brake of SCIM ({target})"
    SCIM_BRAKE_OFF = "scim.brake-off", "{actor} turned off the brake of SCIM ({target})"
    SCIM_BRAKE_CHANGED = "scim.brake-changed", "{actor} changed at how much the brake holds SCIM back ({target})"
    SCIM_LOGGING_STARTED = "scim.logging-started", "{actor} turned on the additional logging of SCIM ({target})"
    SCIM_LOGGING_PROLONGED = "scim.logging-prolonged", "{actor} prolonged the additional logging of SCIM ({target})"
    SCIM_LOGGING_STOPPED = "scim.logging-stopped", "{actor} turned off the additional logging of SCIM ({target})"
    SCIM_LOGGING_ENDED = "scim.logging-ended", "The additional logging of SCIM ended by itself ({target})"


_WORDINGS: Mapping[str, str] = dict(Action.choices)


def wording(action: str) -> str:
    """The sentence of an action; one that only another release knows is named as it is kept."""
    return _WORDINGS.get(action) or f"{{actor}}: {action}, {{target}}"


def title(action: str) -> str:
    """An action as an entry of a list, such as "User role changed"."""
    words = action.replace(".", " ").replace("-", " ").capitalize()
    return words.replace("Scim", "SCIM")
