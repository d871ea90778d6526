"""Users: the people of an organization, their roles and groups, and who asks to join."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = "Users"

    def ready(self) -> None:
        from audit.views import links
        from console import actions, sections
        from domains.views import USERS_PER_DOMAIN
        from users.views import (
            account_requests,
            default_role,
            own_profile,
            pending_invitations,
            personal_tokens,
            request_notifications,
            roles,
            undo,
            user,
            users,
        )

        actions.discover("users.views")
        sections.register(
            users.PEOPLE, account_requests.REQUESTS, default_role.DEFAULT_ROLE, roles.ROLES, default_role.SINGLE_SIGN_ON
        )
        sections.register(own_profile.PROFILE, personal_tokens.OWN_TOKENS, request_notifications.REQUEST_NOTIFICATIONS)
        sections.register_panels(*user.PANELS)
        links.register_links("user", users.PEOPLE.permission, users.links)
        links.register_links("invitation", users.PEOPLE.permission, pending_invitations.links)
        links.register_links("role", roles.ROLES.permission, roles.links)
        links.register_undos("users.edit", undo.addresses)
        sections.register_counts(USERS_PER_DOMAIN, default_role.users_per_domain)
