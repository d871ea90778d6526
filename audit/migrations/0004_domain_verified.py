"""The actions of an audit event that verifying a domain adds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_personal_tokens_and_strict_mode"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditevent",
            name="action",
            field=models.CharField(
                choices=[
                    ("organization.created", "{actor} created the organization {target}"),
                    ("user.created", "{actor} created {target}"),
                    ("user.updated", "{actor} changed {target}"),
                    ("user.adopted", "{actor} took over {target} from manual management"),
                    ("user.suspended", "{actor} suspended {target}"),
                    ("user.restored", "{actor} restored {target}"),
                    ("user.deleted", "{actor} deleted {target}"),
                    ("user.role-changed", "{actor} changed the role of {target}"),
                    ("user.password-changed", "{actor} set a new password for {target}"),
                    ("user.signed-in", "{target} signed in"),
                    ("user.token-made", "{actor} made the personal token {target}"),
                    ("user.token-revoked", "{actor} revoked the personal token {target}"),
                    ("group.created", "{actor} created the group {target}"),
                    ("group.updated", "{actor} changed the group {target}"),
                    ("group.members-changed", "{actor} changed who is in the group {target}"),
                    ("group.deleted", "{actor} deleted the group {target}"),
                    ("role.default-changed", "{actor} made {target} the default role"),
                    ("domain.added", "{actor} added the domain {target}"),
                    ("domain.verified", "{actor} verified the domain {target}"),
                    ("domain.removed", "{actor} removed the domain {target}"),
                    ("domain.allowed", "{actor} allowed User requests for {target}"),
                    ("domain.disallowed", "{actor} stopped User requests for {target}"),
                    ("scim.token-generated", "{actor} generated the SCIM token {target}"),
                    ("scim.token-revoked", "{actor} revoked the SCIM token {target}"),
                    ("scim.enabled", "{actor} enabled SCIM ({target})"),
                    ("scim.disabled", "{actor} disabled SCIM ({target})"),
                    ("scim.admin-allowed", "{actor} let SCIM manage Admins ({target})"),
                    ("scim.groups-allowed", "{actor} let SCIM manage groups ({target})"),
                    ("scim.groups-disallowed", "{actor} stopped SCIM from managing groups ({target})"),
                    ("scim.admin-disallowed", "{actor} stopped SCIM from managing Admins ({target})"),
                    ("scim.strict", "{actor} turned on the strict mode of SCIM ({target})"),
                    ("scim.lenient", "{actor} turned off the strict mode of SCIM ({target})"),
                ],
                max_length=40,
            ),
        ),
    ]
