"""Every setting. What an operator may change comes from the environment, is read once, and is loud when wrong:

UNBLEED_HOME       folder for the database, files, secrets and logs (default: var/ in the checkout)
DATABASE_URL       postgres://user:password@host/name; without it an embedded server runs
WEB_THREADS        requests that the web server works on at a time, each in a thread with a database connection (default: 12);
                   requests with passwords have threads of their own beside these, half as many as there are processors, 4 at most
DATABASE_STATEMENT_SECONDS  a request's statement that takes longer is cut, and the request answered with 503 (default: 30; 0: never).
                   Migrations, backups and jobs are not limited
DATABASE_LOCK_SECONDS  the same of one that waits for a lock of somebody else's (default: 10; 0: never)
BROKER_URL         redis://... or amqp://...; without it jobs wait in the database
SECRET_KEY         at least 50 signs; without it one is made and kept in UNBLEED_HOME/secrets
ALLOWED_HOSTS      names under which the site is reached, by commas (default: localhost,127.0.0.1,[::1])
UNBLEED_PREFIX     path below which a proxy shows the site, for example /unbleed (default: none, the site lies at / of its host).
                   The proxy may pass requests on as they come, or take the path away first
UNBLEED_HTTPS      1 when browsers reach the site through https: a proxy in front ends it, and says so by X-Forwarded-Proto: https,
                   in place of whatever the browser sent under that name. Plain http then leads to https, but for /health/, and
                   browsers keep to https for 30 days after a visit
TRUSTED_PROXIES    addresses or networks of proxies in front, by commas: only they are believed where people come from (X-Forwarded-For)
                   and by what (X-Forwarded-Proto) (default: 127.0.0.1,::1 with UNBLEED_HTTPS=1, else nobody)
OIDC_URL           address of an OpenID Connect provider (its issuer) that people may sign in by; with OIDC_CLIENT_ID and
                   OIDC_CLIENT_SECRET. OIDC_NAME is what the button says (default: the provider's host). The provider wants to know
                   the address that it leads back to: https://HOST/account/oidc/provider/login/callback/
OIDC_NEW_ACCOUNTS  1: whoever the provider knows gets an account, which belongs to no campaign yet (default: 0, only people who have
                   connected the provider on their account page come in by it)
SELF_REGISTRATION  1: who has an e-mail address makes an account, in no campaign yet, by a link sent there; needs EMAIL_URL (default: 0)
OIDC_ORIGINS       other hosts that the provider leads through while somebody signs in, by commas: https://login.example.org (default: none)
SECOND_FACTOR_FOR  who has to set up a second factor before anything else: nobody, admins (of the site) or managers (admins, owners and
                   managers of campaigns) (default: nobody)
TORCH_THREADS      threads of one worker's arithmetic (default: 1; more pay off only on an idle machine)
ADAPTATION_MEGABYTES  sound and spectra of marked songs that an adaptation holds in memory; the rest lies on disk meanwhile (default: 512)
WORKER_MEGABYTES   a worker that takes more between two jobs begins anew, and `doctor` says so of one that takes more (default: 2000)
PREVIEW_DAYS       sounds and pictures of clips that nobody opened for so many days are removed; whoever opens one has it made again
                   (default: 30; 0: never)
ESTIMATE_DAYS      the same of what checkpoints out of use extracted from songs, where nobody was given a clip of it; made again when a
                   roll-back leads to it (default: 30; 0: never)
REFUSED_CHECKPOINT_DAYS  the same of the files of refused checkpoints and of comparisons with replay alone; not made again, and all that
                   was found of them stays (default: 180; 0: never). `tidy --dry-run` says what would go by these rules
EXPORT_DAYS        files of exports are removed after so many days; their rows stay (default: 30; 0: never)
SEPARATED_DAYS     songs that people send to be separated, and what was made of them, are removed after so many days (default: 7)
SEPARATED_MINUTES  minutes of song that one person may have separated so in 24 hours, in one campaign (default: 60)
EMAIL_URL          where e-mail goes: smtp://user:password@host:25, smtp+tls://…:587 or smtps://…:465; signs such as @ or / in name or
                   password are written %40, %2F (default: none is sent, the web process and workers print it)
UNBLEED_ADDRESS    where people reach the site, for links in e-mail: https://unbleed.example (default: none, e-mail names paths alone)
EMAIL_FROM         whose address it bears (default: unbleed@localhost)
UNBLEED_SERVER_FOLDERS  folders of the server, with a colon between two, whose songs those who run the site may take into a campaign
                   by the browser; web process and workers must reach them under the same path (default: none)
OUTGOING_HOSTS     hosts in the site's own network that it may send requests to all the same (webhooks, a lab's Label Studio), by commas,
                   each with or without a port: hooks.lab.example,10.1.2.3:8080 (default: none; hosts in the internet need no line)
UNBLEED_DEBUG      1 shows errors in the browser; for developers only
"""

import os

from hub import api, environment
from hub.home import home
from hub.languages import catalogs

HOME = home()
DEBUG = environment.flag("UNBLEED_DEBUG")
HTTPS = environment.flag("UNBLEED_HTTPS")
TRUSTED_PROXIES = environment.trusted_proxies("127.0.0.1,::1" if HTTPS else "")
SECRET_KEY = environment.secret_key(HOME)
ALLOWED_HOSTS, PREFIX = environment.hosts(), environment.prefix()
BROKER_URL = environment.broker_url()
globals().update(environment.email())
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ.get("EMAIL_FROM") or "unbleed@localhost"
ADDRESS = os.environ.get("UNBLEED_ADDRESS", "").rstrip("/")
WEB_THREADS = environment.whole_number("WEB_THREADS", 12, 1, 1000)
DATABASE_STATEMENT_SECONDS = environment.whole_number("DATABASE_STATEMENT_SECONDS", 30, 0, 86_400)
DATABASE_LOCK_SECONDS = environment.whole_number("DATABASE_LOCK_SECONDS", 10, 0, 86_400)
OIDC = environment.provider()
OIDC_NEW_ACCOUNTS, SELF_REGISTRATION = environment.flag("OIDC_NEW_ACCOUNTS"), environment.flag("SELF_REGISTRATION")
OIDC_ORIGINS = [environment.origin("OIDC_ORIGINS", one.strip()) for one in os.environ.get("OIDC_ORIGINS", "").split(",") if one.strip()]
if OIDC:
    OIDC_ORIGINS.insert(0, environment.origin("OIDC_URL", OIDC["settings"]["server_url"]))
SECOND_FACTOR_FOR = environment.one_of("SECOND_FACTOR_FOR", "nobody", "admins", "managers")
TORCH_THREADS = environment.whole_number("TORCH_THREADS", 1, 1, 256)
ADAPTATION_MEGABYTES = environment.whole_number("ADAPTATION_MEGABYTES", 512, 0, 10_000_000)
WORKER_MEGABYTES = environment.whole_number("WORKER_MEGABYTES", 2000, 0, 10_000_000)
SERVER_FOLDERS = environment.server_folders()
OUTGOING_HOSTS = environment.outgoing_hosts()
PREVIEW_DAYS = environment.whole_number("PREVIEW_DAYS", 30, 0, 36_500)
ESTIMATE_DAYS = environment.whole_number("ESTIMATE_DAYS", 30, 0, 36_500)
REFUSED_CHECKPOINT_DAYS = environment.whole_number("REFUSED_CHECKPOINT_DAYS", 180, 0, 36_500)
EXPORT_DAYS = environment.whole_number("EXPORT_DAYS", 30, 0, 36_500)
SEPARATED_DAYS = environment.whole_number("SEPARATED_DAYS", 7, 1, 36_500)
SEPARATED_MINUTES = environment.whole_number("SEPARATED_MINUTES", 60, 0, 1_000_000)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "channels",
    *("hub", "hub.accounts", "hub.notices"),
    *api.APPS,
    "annotation",
    "learner",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "hub.security.ContentSecurityPolicy",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "hub.requests.Readable",
    "hub.static_files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "hub.languages.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "hub.error_pages.ErrorPages",
    "hub.errors.DomainErrors",
    "allauth.account.middleware.AccountMiddleware",
    "hub.accounts.own.second_factor.RequireSecondFactor",
]

ROOT_URLCONF = "hub.urls"
ASGI_APPLICATION = "hub.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "annotation.pages.reviews.to_review",
                "hub.notices.pages.unread",
                "hub.security.csrf_cookie",
                "hub.languages.middleware.texts",
            ]
        },
    }
]

DATABASES = {"default": environment.database(HOME)}
# Threads of the web server and of workers stay, and so do their connections: to make one costs more than most requests. What is
# asked a second time is prepared in the database, which spends half as much on a request then.
DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
# A server that does not let anybody in, or vanished without a word, is noticed within half a minute. What DATABASE_URL says goes first.
_NOTICED = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
_FASTER = {"server_side_binding": True, "prepare_threshold": 2}
DATABASES["default"]["OPTIONS"] = _NOTICED | _FASTER | DATABASES["default"].get("OPTIONS", {})
# What allauth counts and remembers for a while, for all web processes together.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["hub.accounts.signed_in.Passwords"]
SESSION_ENGINE = "hub.accounts.signed_in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
# allauth does what lies around the password: second factors, other providers, letters, the list of sessions.
ACCOUNT_ADAPTER = "hub.accounts.adapters.Accounts"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an address is confirmed where it is changed, never to come in
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
ACCOUNT_RATE_LIMITS = {"login_failed": "5/300s/key"}  # codes of a second factor alone: wrong passwords are counted by ourselves
SOCIALACCOUNT_ADAPTER = "hub.accounts.adapters.Providers"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [OIDC] if OIDC else []}}
MFA_ADAPTER = "hub.accounts.adapters.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Unbleed"
MFA_TOTP_TOLERANCE = 1  # half minutes: one that has just passed, or that a telephone's clock begins early (RFC 6238, 5.2)
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # browsers allow http for localhost alone

FORCE_SCRIPT_NAME = PREFIX or None
LOGIN_URL = LOGOUT_REDIRECT_URL = "sign-in"
LOGIN_REDIRECT_URL = "front"

STORAGES = {
    "default": {"BACKEND": "annotation.files.storage.ContentStorage", "OPTIONS": {"location": HOME / "storage"}},
    "staticfiles": {"BACKEND": "hub.static_files.Storage"},
}
RECIPE_CHECK = "learner.core.teaching.recipe.check_recipe"  # what annotation holds a campaign's recipe against; raises ValueError
OWN_SONGS = "learner.selectors.sent_songs.of_person"  # what annotation adds to what a person takes home: rows, and files
AUDIO_READER = "learner.core.audio.read"  # what annotation decodes stored files with, so that it hears what the learner hears
STATIC_URL = f"{PREFIX}/static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = True  # files are served from the packages that hold them: no collectstatic before the first start

CHANNEL_LAYERS = {"default": {"BACKEND": "hub.live.NotifyLayer"}}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["hub.requests.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "hub.errors.answer",
}
SPECTACULAR_SETTINGS = {
    **{"TITLE": "Unbleed", "VERSION": "1", "OAS_VERSION": "3.1.0", "DEFAULT_GENERATOR_CLASS": "hub.endpoints.Generator"},
    "SERVERS": [{"url": PREFIX}] if PREFIX else [],
    "ENUM_NAME_OVERRIDES": {"SideEnum": ["a", "b", "none"]},  # two fields of one body have these choices
    "POSTPROCESSING_HOOKS": ["hub.schema.name_choices", "hub.schema.name_every_refusal"],
}

SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = f"{PREFIX}/"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, LANGUAGE_COOKIE_NAME = (
    name + PREFIX.replace("/", "_")
    for name in ("sessionid", "csrftoken", "language")  # the host has others
)
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # a cookie of its own would be the whole host's
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600  # seconds
CSRF_FAILURE_VIEW = "hub.requests.forged"
CSRF_TRUSTED_ORIGINS = [f"https://{'*' if host.startswith('.') else ''}{host}" for host in ALLOWED_HOSTS] if HTTPS else []
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if HTTPS else 0  # begins anew with every answer; a host that gives up https is free after it
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # other names below the host's are not this site's to bind
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # each in its own words, as the menu at the foot of a page shows it
LOCALE_PATHS = [catalogs.compiled(HOME / "locale")]
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"without tokens": {"()": "hub.logs.WithoutTokens"}, "repeats": {"()": "hub.logs.Repeats"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without tokens", "repeats"]}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
