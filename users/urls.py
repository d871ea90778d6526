"""The addresses of the API, and of the way in and out, one by one: what allauth offers beyond them stays closed."""

from allauth.account.views import account_inactive
from django.urls import include, path, re_path

from users import accepting, signing_up, views

urlpatterns = [
    path("", include("users.api.urls")),
    path("sign-in/", views.find_organization, name="account_login"),
    path("sign-in/<slug:slug>/", views.SignIn.as_view(), name="sign-in"),
    path("sign-in/<slug:slug>/password/", views.ForgottenPassword.as_view(), name="forgotten-password"),
    path("invitation/<str:token>/", accepting.accept, name="invitation"),
    path("sign-in/<slug:slug>/sign-up/", signing_up.sign_up, name="sign-up-in"),
    path("sign-up/", signing_up.find_organization, name="sign-up"),
    path("sign-up/confirm/<str:token>/", signing_up.confirm, name="confirm-request"),
    path("sign-out/", views.SignOut.as_view(), name="account_logout"),
    path("confirm/", views.ProveAgain.as_view(), name="account_reauthenticate"),
    path("suspended/", account_inactive, name="account_inactive"),
    path("new-password/set/", views.NewPasswordSet.as_view(), name="account_reset_password_from_key_done"),
    re_path(
        r"^new-password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.NewPassword.as_view(),
        name="account_reset_password_from_key",
    ),
]
