"""Sign-in: how users get in and out: password, sign-up, and accepting an invitation."""

from django.apps import AppConfig


class SigninConfig(AppConfig):
    name = "signin"
    verbose_name = "Sign-in"

    def ready(self) -> None:
        from console.requests import register_reauthentication
        from signin.services.sign_in import recently_reauthenticated

        register_reauthentication(recently_reauthenticated)
