"""Settings of the service: one file; whatever differs between deployments is an environment
variable read through ``project.env``.

Without any variable this is a development deployment on one machine: SQLite, keys made at
set-up, a local time-stamp authority. ``TRUETHREAD_MODE=production`` turns on the system checks
of ``evidence.checks``, which refuse to start with any of these. README.md explains each variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from evidence.values import API_SCOPES
from project import env

BASE_DIR = Path(__file__).resolve().parent.parent

# Deployment

TRUETHREAD_MODE = env.choice("TRUETHREAD_MODE", ("development", "production"), "development")
PRODUCTION = TRUETHREAD_MODE == "production"
DEBUG = env.boolean("TRUETHREAD_DEBUG", False)

TRUETHREAD_VAR_DIR: Path = env.path("TRUETHREAD_VAR_DIR") or BASE_DIR / "var"
"""Everything the service writes: database, blobs, fonts, keys, certificates, uploads."""
TRUETHREAD_VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

TRUETHREAD_PUBLIC_URL = env.url("TRUETHREAD_PUBLIC_URL", "http://127.0.0.1:8000")
"""Where people reach the service; printed in bundles."""
TRUETHREAD_DEPLOYMENT_NAME = env.text("TRUETHREAD_DEPLOYMENT_NAME", "TrueThread development")


def _needed(name: str) -> str:
    """Return the words that production refuses to start with when ``name`` is missing."""
    return f"{name} or {name}_FILE must be set when TRUETHREAD_MODE is production."


def _secret_key() -> str:
    stated = env.secret("TRUETHREAD_SECRET_KEY")
    if stated is None and PRODUCTION:
        raise ImproperlyConfigured(_needed("TRUETHREAD_SECRET_KEY"))
    return stated or env.kept_secret(TRUETHREAD_VAR_DIR / "keys" / "secret_key")


def _key_encryption_key() -> bytes:
    stated = env.key_bytes("TRUETHREAD_KEK", 32)
    if stated is None and PRODUCTION:
        raise ImproperlyConfigured(_needed("TRUETHREAD_KEK"))
    return stated or bytes.fromhex(env.kept_secret(TRUETHREAD_VAR_DIR / "keys" / "kek"))


SECRET_KEY = _secret_key()

# Evidence: encryption, log, time, signature

TRUETHREAD_NEUTRALITY = env.text("TRUETHREAD_NEUTRALITY", "")
"""The operator's own statement on independence of the parties and certifications; printed."""
TRUETHREAD_NEUTRALITY_ZH = env.text("TRUETHREAD_NEUTRALITY_ZH", "")
"""The same for exhibits in Chinese."""
TRUETHREAD_KEK: bytes = _key_encryption_key()
"""The key-encryption key, 32 raw bytes: wraps the tenant keys. Lost key, lost evidence."""
TRUETHREAD_SM3 = env.boolean("TRUETHREAD_SM3", False)
"""Whether acquisitions are sealed a second time with SM3 (GB/T 32905)."""
TRUETHREAD_LOG_ORIGIN = env.text("TRUETHREAD_LOG_ORIGIN", "truethread.localhost/custody")
"""Name of the custody log without its epoch, which the log adds: a URL without a scheme."""
TRUETHREAD_TSA_URLS: list[str] = env.url_list("TRUETHREAD_TSA_URLS")
"""RFC 3161 authorities in order of preference; none means the local development authority."""
TRUETHREAD_TSA_TIMEOUT = env.integer("TRUETHREAD_TSA_TIMEOUT", 15, minimum=1, maximum=120)
"""Seconds one authority may take before the next one is asked."""
TRUETHREAD_WITNESSES: list[str] = [
    item.strip() for item in env.text("TRUETHREAD_WITNESSES").split(",") if item.strip()
]
"""Verifier keys (type 4) of witnesses that cosign checkpoints of the custody log."""
TRUETHREAD_WITNESS_URLS: list[str] = env.url_list("TRUETHREAD_WITNESS_URLS")
"""Where each of them is asked, in the same order; C2SP calls it the submission prefix."""
TRUETHREAD_WITNESS_TIMEOUT = env.integer("TRUETHREAD_WITNESS_TIMEOUT", 5, minimum=1, maximum=60)
"""Seconds all witnesses together may take for one checkpoint; then it goes on without."""
TRUETHREAD_SIGNER_PKCS12: Path | None = env.existing_file("TRUETHREAD_SIGNER_PKCS12")
"""The seal key with its certificates; none means the development PKI made at set-up."""
TRUETHREAD_SIGNER_PKCS12_PASSWORD: str | None = env.secret("TRUETHREAD_SIGNER_PKCS12_PASSWORD")
TRUETHREAD_TRUST_ROOTS: list[Path] = env.existing_files("TRUETHREAD_TRUST_ROOTS")
"""PEM files of roots that verification trusts beside the ones it is called with."""
TRUETHREAD_BROKER_URL = env.secret_url(
    "TRUETHREAD_BROKER_URL", schemes=("amqp", "amqps", "redis", "rediss")
)
"""A broker that wakes workers; none means that workers poll the database."""
TRUETHREAD_SMTP_URL: dict[str, Any] = env.smtp_url("TRUETHREAD_SMTP_URL")
"""The mail server as Django's settings; none means that mails are written to var/mail."""
TRUETHREAD_MAIL_FROM = env.text("TRUETHREAD_MAIL_FROM", "TrueThread <truethread@localhost>")
TRUETHREAD_METRICS_TOKEN: str | None = env.secret("TRUETHREAD_METRICS_TOKEN")
"""What a monitoring system shows to read /metrics; none means there is no such page."""

TRUETHREAD_WEBHOOKS_TO_LOOPBACK = env.boolean("TRUETHREAD_WEBHOOKS_TO_LOOPBACK", False)
"""Whether webhooks may lead to this machine, and without TLS: to try them out, never in production."""

# Django

_public_host = urlsplit(TRUETHREAD_PUBLIC_URL).hostname or ""
_public_is_https = TRUETHREAD_PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = [_public_host] if PRODUCTION else [_public_host, "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [TRUETHREAD_PUBLIC_URL]

INSTALLED_APPS = [
    "evidence.apps.EvidenceConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "oauth2_provider",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "project.headers.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Before anything reads the body; the check against forged requests is the first to do so.
    "evidence.front.limits.body_limit",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"truethread": "evidence.front.tags"},
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database_url(
        "TRUETHREAD_DATABASE_URL", TRUETHREAD_VAR_DIR / "truethread.sqlite3"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People

AUTH_USER_MODEL = "evidence.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "conversations"
LOGOUT_REDIRECT_URL = "/"

# Sign-in (django-allauth). Nothing it answers tells whether an address has an account.

ACCOUNT_ADAPTER = "evidence.web.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_REDIRECT_URL = "upload"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up only
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _public_is_https else "http"
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
"""Seconds for which a person who just proved who they are is not asked again."""
ACCOUNT_FORMS = {
    "login": "evidence.web.sign_in_forms.SignInForm",
    "signup": "evidence.web.sign_in_forms.SignUpForm",
    "change_password": "evidence.web.sign_in_forms.ChangePasswordForm",
    "set_password": "evidence.web.sign_in_forms.SetPasswordForm",
    "reset_password": "evidence.web.sign_in_forms.ResetPasswordForm",
    "reset_password_from_key": "evidence.web.sign_in_forms.NewPasswordForm",
    "reauthenticate": "evidence.web.sign_in_forms.StepUpForm",
    "add_email": "evidence.web.sign_in_forms.ChangeEmailForm",
}
MFA_ADAPTER = "evidence.web.sign_in.SecondStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = TRUETHREAD_DEPLOYMENT_NAME
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "evidence.web.sign_in_forms.SecondStepForm",
    "reauthenticate": "evidence.web.sign_in_forms.SecondStepAgainForm",
    "activate_totp": "evidence.web.sign_in_forms.ActivateAppForm",
}
# How often somebody tried to sign in is counted here, for all processes of this machine.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": TRUETHREAD_VAR_DIR / "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# Mail

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_FILE_PATH = TRUETHREAD_VAR_DIR / "mail"
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = SERVER_EMAIL = TRUETHREAD_MAIL_FROM
EMAIL_SUBJECT_PREFIX = ""
if not TRUETHREAD_SMTP_URL:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH.mkdir(mode=0o700, exist_ok=True)
globals().update(TRUETHREAD_SMTP_URL)

# Background work over a broker (project/celery.py)

CELERY_BROKER_URL = TRUETHREAD_BROKER_URL or None
# One queue for each deployment: two that share a broker must not do each other's jobs.
CELERY_TASK_DEFAULT_QUEUE = f"truethread:{TRUETHREAD_LOG_ORIGIN}"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
# A message is confirmed when its work is done, so a worker's death hands it to the next one. A
# broker that hands it out twice (Redis after its visibility timeout) meets the lease of the job.
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Sending gives up soon: someone waits for the page, and the sweep finds the job anyway.
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    **({"socket_connect_timeout": 2} if TRUETHREAD_BROKER_URL.startswith("redis") else {}),
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(TRUETHREAD_VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    # As often as evidence.tasks.WAKE_AGAIN_SECONDS says.
    "tend": {"task": "truethread.tend", "schedule": 15.0, "options": {"expires": 15.0}},
}

# Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]  # each in its own words
LOCALE_PATHS = [BASE_DIR / "evidence" / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

# Files

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
FILE_UPLOAD_TEMP_DIR = TRUETHREAD_VAR_DIR / "uploads"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, exist_ok=True)
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# Headers and cookies

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public_is_https
SECURE_SSL_REDIRECT = PRODUCTION
# Asked by machines inside, not by browsers; nothing in them is secret but the metrics' token.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
if env.boolean("TRUETHREAD_BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    MIDDLEWARE.insert(0, "project.proxy.address_of_the_asker")
CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

# API

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "evidence.api.parsing.StrictJsonParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

OAUTH2_PROVIDER: dict[str, Any] = {
    "OAUTH2_VALIDATOR_CLASS": "evidence.api.oauth.Validator",
    "SCOPES": {scope: scope for scope in API_SCOPES},
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    # All of RFC 9700; the last one keeps only hashes of tokens.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "TrueThread",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {"ReviewFormat": [(one, one) for one in ("rsmf", "dat", "case", "csv")]},
}

# Log: operations only. Query strings can hold search words and are cut from every line.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"without_queries": {"()": "project.headers.WithoutQueries"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["without_queries"],
        },
        "nothing": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # What scanners knock with is answered by 400 and is no event worth a line each.
        "django.security.DisallowedHost": {"handlers": ["nothing"], "propagate": False},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "evidence": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # Both name the fonts and certificates they look at, line by line.
        "fontTools": {"level": "ERROR"},
        "pyhanko": {"level": "ERROR"},
    },
}
