"""Users: the people of an organization, their roles, and how they sign in."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = "Users"

    def ready(self) -> None:
        from domains.admin import USERS_PER_DOMAIN
        from organizations import pages
        from users import admin, people, person

        pages.offer(people.PEOPLE, admin.DEFAULT_ROLE, admin.ROLES, admin.SINGLE_SIGN_ON)
        pages.offer_pieces(*person.PIECES)
        pages.offer_figures(USERS_PER_DOMAIN, admin.users_per_domain)
