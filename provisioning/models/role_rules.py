"""Role rules: who gets which role where the identity provider sends none."""

from django.db import models

from core.tenancy import KeyField, TenantModel, TenantQuerySet
from users.models import Role


class RoleRule(TenantModel):
    """A person of whom this is so gets the role, unless a rule of a lower ``position`` fits too.

    ``value_key`` is the value as it is compared: folded, of a domain the A-labels.
    """

    class Attribute(models.TextChoices):
        GROUP = "group", "group"
        DEPARTMENT = "department", "department"
        TITLE = "title", "title"
        USER_TYPE = "userType", "user type"
        DOMAIN = "domain", "e-mail domain"

    class Operator(models.TextChoices):
        IS = "is", "is"
        BEGINS = "begins", "begins with"
        CONTAINS = "contains", "contains"

    position = models.PositiveSmallIntegerField()
    attribute = models.CharField(max_length=10, choices=Attribute)
    operator = models.CharField(max_length=10, choices=Operator, default=Operator.IS)
    value = models.CharField(max_length=256)
    value_key = KeyField(max_length=400, editable=False)
    role = models.ForeignKey(Role, models.PROTECT, related_name="role_rules")

    objects = TenantQuerySet["RoleRule"].as_manager()

    class Meta:
        ordering = ["position"]
        indexes = [models.Index(fields=["organization", "position"], name="role_rule_in_order")]

    def __str__(self) -> str:
        return f"{self.get_attribute_display()} {self.get_operator_display()} {self.value}"


class RoleRuleSet(TenantModel):
    """An organization's role rules as a whole, and how far they have been applied to the people who were there.

    ``version`` counts the times that they were saved. While ``is_applying``, people up to the id ``reached`` are done;
    ``expected`` is how many were to change when the rules were saved, ``changed`` how many have.
    """

    version = models.PositiveIntegerField(default=0)
    is_applying = models.BooleanField(default=False)
    reached = models.UUIDField(null=True)
    expected = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)

    objects = TenantQuerySet["RoleRuleSet"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="one_set_of_role_rules")]

    def __str__(self) -> str:
        return "role rules"
