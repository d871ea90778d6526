"""Whose externalId nobody else may have, as the database can see to it."""

from django.db import migrations, models
from django.db.models import Q

# Of those who share one, nobody claims it: organizations may have had some before it was refused.
_CLAIM = """
UPDATE users_user SET claims_external_id = TRUE
WHERE is_active AND managed_by IS NOT NULL AND external_id <> '' AND NOT EXISTS (
  SELECT 1 FROM users_user o
  WHERE o.organization_id = users_user.organization_id AND o.external_id = users_user.external_id
    AND o.managed_by = users_user.managed_by AND o.is_active AND o.id <> users_user.id
)
"""


class Migration(migrations.Migration):
    dependencies = [("users", "0017_names_in_the_audit_log")]

    operations = [
        migrations.AddField(
            "user",
            "claims_external_id",
            models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="No other user who claims one has the externalId in the same connection.",
            ),
        ),
        migrations.RunSQL(_CLAIM, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "user",
            models.UniqueConstraint(
                models.F("organization"),
                models.F("managed_by"),
                models.F("external_id"),
                condition=Q(claims_external_id=True),
                name="external_id_once",
            ),
        ),
    ]
