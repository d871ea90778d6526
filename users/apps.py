"""Users: the people of an organization, their roles, and how they sign in."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = "Users"

    def ready(self) -> None:
        from domains.admin import USERS_PER_DOMAIN
        from organizations import pages
        from users import (
            admin,
            inviting,
            own_profile,
            own_tokens,
            people,
            person,
            request_notices,
            requests,
            role_pages,
            undo,
        )
        from users.services.sign_in import recently_proven

        pages.offer(people.PEOPLE, requests.REQUESTS, admin.DEFAULT_ROLE, role_pages.ROLES, admin.SINGLE_SIGN_ON)
        pages.offer(own_profile.PROFILE, own_tokens.OWN_TOKENS, request_notices.REQUEST_NOTICES)
        pages.offer_pieces(*person.PIECES)
        pages.offer_whereabouts("user", people.PEOPLE.permission, people.whereabouts)
        pages.offer_whereabouts("invitation", people.PEOPLE.permission, inviting.whereabouts)
        pages.offer_whereabouts("role", role_pages.ROLES.permission, role_pages.whereabouts)
        pages.offer_undos("users.edit", undo.addresses)
        pages.offer_figures(USERS_PER_DOMAIN, admin.users_per_domain)
        pages.offer_proof(recently_proven)
