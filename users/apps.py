"""Users: the people of an organization, their roles and groups, and who asks to join."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = "Users"

    def ready(self) -> None:
        from audit.views import links
        from console import sections
        from domains.views import USERS_PER_DOMAIN
        from users.views import (
            account_requests,
            default_role,
            invitations,
            own_profile,
            personal_tokens,
            request_notifications,
            roles,
            undo,
            user,
            users,
        )

        sections.offer(
            users.PEOPLE, account_requests.REQUESTS, default_role.DEFAULT_ROLE, roles.ROLES, default_role.SINGLE_SIGN_ON
        )
        sections.offer(own_profile.PROFILE, personal_tokens.OWN_TOKENS, request_notifications.REQUEST_NOTICES)
        sections.offer_pieces(*user.PIECES)
        links.offer_whereabouts("user", users.PEOPLE.permission, users.whereabouts)
        links.offer_whereabouts("invitation", users.PEOPLE.permission, invitations.whereabouts)
        links.offer_whereabouts("role", roles.ROLES.permission, roles.whereabouts)
        links.offer_undos("users.edit", undo.addresses)
        sections.offer_figures(USERS_PER_DOMAIN, default_role.users_per_domain)
