"""The addresses of sign-in, one by one: what allauth offers beyond them stays closed."""

from allauth.account.views import account_inactive
from django.urls import path, re_path

from signin.views import accept_invitation, sign_in, sign_up

urlpatterns = [
    path("sign-in/", sign_in.find_organization, name="account_login"),
    path("sign-in/<slug:slug>/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-in/<slug:slug>/password/", sign_in.ForgottenPassword.as_view(), name="forgotten-password"),
    path("invitation/<str:token>/", accept_invitation.accept, name="invitation"),
    path("sign-in/<slug:slug>/sign-up/", sign_up.sign_up, name="sign-up-in"),
    path("sign-up/", sign_up.find_organization, name="sign-up"),
    path("sign-up/confirm/<str:token>/", sign_up.confirm, name="confirm-request"),
    path("sign-out/", sign_in.SignOut.as_view(), name="account_logout"),
    path("confirm/", sign_in.Reauthenticate.as_view(), name="account_reauthenticate"),
    path("suspended/", account_inactive, name="account_inactive"),
    path("new-password/set/", sign_in.NewPasswordSet.as_view(), name="account_reset_password_from_key_done"),
    re_path(
        r"^new-password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        sign_in.NewPassword.as_view(),
        name="account_reset_password_from_key",
    ),
]
