"""Everything that can be set, read from the environment once; README.md has the table."""

import logging
import math
import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from core.addresses import canonical_domain
from saasmanager import logs

# Lets the code say Field[str, str] or ModelAdmin[Domain], which Django 5.2 itself understands in annotations only.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.ENVIRON = {name: value for name, value in os.environ.items() if value}  # an empty variable is one not set


def setting(read: Callable[..., Any], name: str, *, default: Any) -> Any:
    """Read a variable, or refuse to start with a line that says what it should be."""
    try:
        return read(name, default=default)
    except (ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured(f"{name} must be {KINDS[read]}, not {env.ENVIRON[name]!r}.") from None


def database(name: str, *, default: str) -> dict[str, Any]:
    """Read a database's URL, of the two kinds that this project is tested on."""
    found: dict[str, Any] = env.db(name, default=default)
    if found.get("ENGINE") not in {"django.db.backends.sqlite3", "django.db.backends.postgresql"}:
        raise ValueError(name)
    return found


def resolvers(name: str, *, default: list[str]) -> list[tuple[str, int]]:
    """Read the addresses of DNS resolvers, each with a port or without."""
    found = [urlsplit(f"//{text.strip()}") for text in env.list(name, default=default)]
    return [(str(ip_address(each.hostname or "")), each.port or 53) for each in found]


# What the kinds of caches that machines can share need beside what is locked.
CACHE_CLIENTS = {"redis": "redis", "rediss": "redis", "pymemcache": "pymemcache", "filecache": ""}


def shared_cache(name: str, *, default: str) -> dict[str, Any]:
    """Read the address of a cache that several machines share; empty where there is none."""
    text = env.str(name, default=default)
    if not text:
        return {}
    scheme = urlsplit(text).scheme
    if scheme not in CACHE_CLIENTS:
        raise ValueError(name)
    found: dict[str, Any] = env.cache(name)
    if scheme == "pymemcache":
        found["BACKEND"] = "django.core.cache.backends.memcached.PyMemcacheCache"
    elif scheme == "filecache":
        found["OPTIONS"] = {"MAX_ENTRIES": 100_000}
    return found


def rate(name: str, *, default: float) -> float:
    """Read how many a second; 0 is no limit."""
    found: float = env.float(name, default=default)
    if not 0 <= found < math.inf:
        raise ValueError(name)
    return found


def number(name: str, *, default: int) -> int:
    """Read a whole number, at least 1."""
    found: int = env.int(name, default=default)
    if found < 1:
        raise ValueError(name)
    return found


def log_level(name: str, *, default: str) -> str:
    level: str = env.str(name, default=default).upper()
    if level not in logging.getLevelNamesMapping():
        raise ValueError(name)
    return level


def origin(name: str, *, default: str) -> str:
    """Read the address of a server without any path."""
    found: str = env.str(name, default=default).rstrip("/")
    parts = urlsplit(found)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise ValueError(name)
    return found


KINDS = {
    env.int: "a whole number",
    env.float: "a number",
    rate: "a number of requests a second, or 0",
    shared_cache: "like redis://host:6379/0, pymemcache://host:11211 or filecache:///path/to/folder",
    number: "a whole number from 1 on",
    env.email_url: "like smtp+tls://user:password@mail.example.com:587",
    database: "like postgres://user:password@host:5432/name or sqlite:////path/to/file",
    resolvers: "addresses such as 192.0.2.53 or [2001:db8::53]:5353, separated by commas",
    origin: "like http://127.0.0.1:8000",
    log_level: "one of DEBUG, INFO, WARNING, ERROR",
}

# Where we are, and who may ask

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="for-debugging-only-everybody-can-read-this-key" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("set SECRET_KEY to a long random text (or DEBUG=on on your own machine).")

# The public address: printed as SCIM's Base URL, in every meta.location and in mails; never taken from a request.
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
_address = urlsplit(BASE_URL)
if _address.scheme not in {"http", "https"} or not _address.hostname or _address.path:
    raise ImproperlyConfigured(f"BASE_URL must look like https://saas.example.com, not {BASE_URL!r}.")
HTTPS = _address.scheme == "https"
# Whom people of a suspended organization are told to ask, in the middle of a sentence.
OPERATOR_CONTACT = env.str("OPERATOR_CONTACT", default="the operators of this service")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[_address.hostname, *({"localhost", "127.0.0.1", "[::1]"} if DEBUG else ())]
)

# How many of our own proxies stand in front. The server speaks plain HTTP, so over HTTPS there is at least one.
TRUSTED_PROXY_COUNT = setting(env.int, "TRUSTED_PROXY_COUNT", default=1 if HTTPS else 0)
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT

CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SILENCED_SYSTEM_CHECKS = [
    "urls.W002",  # SCIM's addresses begin with "any number of slashes", on purpose: clients add their own
    "security.W005",  # HSTS for sub-domains: the neighbours of BASE_URL's host are not ours to bind
    "security.W021",  # and so neither to preload
]
if not HTTPS:
    # The same checks ask for what only makes sense over HTTPS, which BASE_URL decides.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

# What the project is made of

INSTALLED_APPS = [
    # Before Django's own, whose createsuperuser it replaces.
    "saasmanager.apps.SaasManagerConfig",
    "saasmanager.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "allauth",
    "allauth.account",
    "django_htmx",
    "core",
    "console",
    "audit",
    "organizations",
    "domains",
    "users",
    "signin",
    "provisioning",
    "scim",
]
MIDDLEWARE = [
    "saasmanager.middleware.ScimShortcut",
    "saasmanager.health.Probes",
    "saasmanager.middleware.FairShares",
    "saasmanager.middleware.FormLimit",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "signin.middleware.SupportAccessMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]
ROOT_URLCONF = "saasmanager.urls"
WSGI_APPLICATION = "saasmanager.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# The database

# Off for commands, which may take their time (manage.py does it), whatever the database's role sets.
DATABASE_TIMEOUTS = env.bool("DATABASE_TIMEOUTS", default=True)
# A pooler that changes connections between transactions knows neither prepared statements nor start-up options.
DATABASE_POOLER = env.bool("DATABASE_POOLER", default=False)
# Compiling a statement costs ten times what these short ones take.
POSTGRESQL_OPTIONS = "-c jit=off"
POSTGRESQL_TIMEOUTS = "-c statement_timeout=3s -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s"

POSTGRESQL_NO_TIMEOUTS = "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"

_database = setting(database, "DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
if "MIGRATION_DATABASE_URL" in env.ENVIRON:
    # Read here for its faults only: manage.py puts it in the place of DATABASE_URL for the command that it is for.
    setting(database, "MIGRATION_DATABASE_URL", default=env.ENVIRON["MIGRATION_DATABASE_URL"])
if _database["ENGINE"].endswith("sqlite3"):
    _options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
else:
    # Statements are prepared on the server only if parameters are bound there too: both or neither.
    _options = {"connect_timeout": 2}
    if DATABASE_POOLER:
        _options |= {"prepare_threshold": None}
        _database["DISABLE_SERVER_SIDE_CURSORS"] = True
        if not DATABASE_TIMEOUTS:
            _database["ENGINE"] = "saasmanager.pooled_postgresql"
    else:
        _options |= {"server_side_binding": True, "prepare_threshold": 3}
        _limits = POSTGRESQL_TIMEOUTS if DATABASE_TIMEOUTS else POSTGRESQL_NO_TIMEOUTS
        _options |= {"options": f"{POSTGRESQL_OPTIONS} {_limits}"}
_database["OPTIONS"] = _options | _database.get("OPTIONS", {})
_database.setdefault("CONN_MAX_AGE", None)
DATABASES = {"default": _database}

# Sign-in limits are counted here, where all workers see them. Nothing under /scim/ asks it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # The stock limit of 300 rows would let strangers wash a locked-out account's counter away.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
# SCIM's limits are counted in memory. Where there is a second cache, machines tell each other by it.
if _shared_cache := setting(shared_cache, "CACHE_URL", default=""):
    CACHES["limits"] = _shared_cache
    _client = CACHE_CLIENTS[urlsplit(env.str("CACHE_URL")).scheme]
    if _client and not find_spec(_client):
        raise ImproperlyConfigured(f"CACHE_URL needs the package {_client}, which is not installed here.")

# The operators' admin: the first part of its address

OPERATOR_URL = env.str("OPERATOR_URL", default="admin").strip("/") + "/"

# Accounts: names are unique inside an organization only, so people sign in by a technical key that our form finds,
# and nobody is ever looked up by e-mail alone.

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["signin.backends.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("user_name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/settings/"

ACCOUNT_ADAPTER = "signin.adapters.AccountAdapter"
ACCOUNT_FORMS = {"login": "signin.forms.SignInForm", "reset_password": "signin.forms.ResetPasswordForm"}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "signin.services.reset_links.ResetTokenGenerator"  # noqa: S105
ACCOUNT_USER_MODEL_USERNAME_FIELD = "sign_in_key"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_UNIQUE_EMAIL = False
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USER_DISPLAY = str
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/m/ip,5/300s/key",
    "accept_invitation": "60/m/ip",
    # Asking for an account; the first counts addresses, the second organizations.
    "ask_for_account": "20/h/ip,5/h/key",
    "ask_in_organization": "200/h/key",
}
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _address.scheme

# Pages

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
X_FRAME_OPTIONS = "DENY"
# A form is read before anybody is known, for the token against forged requests stands in it: so much of it, in bytes.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
_mail = setting(env.email_url, "EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25")
vars().update(_mail)
EMAIL_TIMEOUT = 5
_sender = env.str("DEFAULT_FROM_EMAIL", default=f"SaaS Manager <no-reply@{_address.hostname}>")
# Django would encode the domain by IDNA 2003, and answers to straße.example would go to strasse.example.
DEFAULT_FROM_EMAIL = re.sub(r"(?<=@)[^@<>\s]+(?=>?\s*\Z)", lambda domain: canonical_domain(domain[0]), _sender)
# Off: mails wait for a timer that runs manage.py send_mail.
MAIL_IN_BACKGROUND = env.bool("MAIL_IN_BACKGROUND", default=True)

# How many invitations an organization may mail within 24 hours.
INVITATION_MAILS_PER_DAY = setting(env.int, "INVITATION_MAILS_PER_DAY", default=1000)
# How many mails of one kind strangers can have sent to one account: a link for a new password, an answer to a sign-up.
SIGN_IN_MAILS_PER_HOUR = setting(env.int, "SIGN_IN_MAILS_PER_HOUR", default=3)
SIGN_IN_MAILS_PER_DAY = setting(env.int, "SIGN_IN_MAILS_PER_DAY", default=6)

# Domains: whom to ask for the records that verify them; none means the machine's own resolvers

DNS_RESOLVERS = setting(resolvers, "DNS_RESOLVERS", default=[])

# SCIM

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
# The request log is written behind the answers: seconds between batches (0 = only when asked to flush), the rows that
# may wait (more are dropped and counted), the days they are kept, and how many of an organization are: with a token of
# its own, and beside them with none.
SCIM_LOG_INTERVAL = setting(env.float, "SCIM_LOG_INTERVAL", default=0.5)
SCIM_LOG_QUEUE = setting(env.int, "SCIM_LOG_QUEUE", default=10_000)
SCIM_LOG_RETENTION_DAYS = setting(env.int, "SCIM_LOG_RETENTION_DAYS", default=30)
SCIM_LOG_ROWS = setting(env.int, "SCIM_LOG_ROWS", default=1_000_000)
SCIM_LOG_UNKNOWN_ROWS = setting(env.int, "SCIM_LOG_UNKNOWN_ROWS", default=50_000)
# How fast tokens and organizations may go: requests a second, and how many may come at once before that. The same for
# each address without a valid token, of which only refused requests count. A rate of 0 is no limit.
SCIM_TOKEN_RATE = setting(rate, "SCIM_TOKEN_RATE", default=50)
SCIM_TOKEN_BURST = setting(number, "SCIM_TOKEN_BURST", default=200)
SCIM_ORGANIZATION_RATE = setting(rate, "SCIM_ORGANIZATION_RATE", default=50)
SCIM_ORGANIZATION_BURST = setting(number, "SCIM_ORGANIZATION_BURST", default=200)
SCIM_UNAUTHORIZED_RATE = setting(rate, "SCIM_UNAUTHORIZED_RATE", default=1)
SCIM_UNAUTHORIZED_BURST = setting(number, "SCIM_UNAUTHORIZED_BURST", default=60)
# Where a test of a set-up finds this server, if not at BASE_URL: behind some routers nobody reaches his own address.
SCIM_TEST_RUN_URL = setting(origin, "SCIM_TEST_RUN_URL", default=BASE_URL)
# Additional logging: the days and the newest requests of an organization whose headers and bodies are kept, and the
# names of what is masked in them beside passwords, secrets and tokens; compared without case.
SCIM_DETAIL_DAYS = setting(env.int, "SCIM_DETAIL_DAYS", default=7)
SCIM_DETAIL_ROWS = setting(env.int, "SCIM_DETAIL_ROWS", default=5_000)
SCIM_SENSITIVE = env.list(
    "SCIM_SENSITIVE",
    default=[
        "apiKey", "bankAccount", "credential", "creditCard", "iban", "nationalId", "otp", "passphrase",
        "passportNumber", "pin", "privateKey", "socialSecurityNumber", "ssn", "taxId",
    ],
)  # fmt: skip

# Logs

LOGGING = logs.configure(level=setting(log_level, "LOG_LEVEL", default="INFO"), readable=DEBUG)
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10  # DEBUG: one line a request, when it ends
# It would believe any X-Forwarded-For; the audit log knows the address.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
