"""Users: the people of an organization, their roles, and how they sign in."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = "Users"
