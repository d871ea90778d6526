"""The settings under which the tests run: the real ones, in the environment of a test."""

import os

from scripts.serve import WITHOUT_LIMITS

os.environ.setdefault("SECRET_KEY", "for-the-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz")
os.environ.setdefault("BASE_URL", "http://testserver")
os.environ.setdefault("EMAIL_URL", "memorymail://")
os.environ.setdefault("LOG_LEVEL", "ERROR")
# Nothing happens behind a test's back: tests flush the request log and deliver the mails when they want to read them.
os.environ.setdefault("SCIM_LOG_INTERVAL", "0")
os.environ.setdefault("MAIL_IN_BACKGROUND", "off")
# Tests are faster than any client may be.
for name, figure in WITHOUT_LIMITS.items():
    os.environ.setdefault(name, figure)
# A test may sit in its transaction, looking at a page in the browser, for longer than a request may.
os.environ.setdefault("DATABASE_TIMEOUTS", "off")

from saasmanager.settings import *  # noqa: E402, F403

# One round of a fast hash: the real one costs a third of a second for each person a test makes.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Without a run of collectstatic.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
