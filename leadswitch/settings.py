"""Django and Celery settings. Values come from leadswitch.env; embedded servers stand in for missing URLs."""

from structlog.typing import Processor

from leadswitch.beat_schedule import make_beat_schedule
from leadswitch.broker_options import list_queues, make_retry_policy, make_transport_options
from leadswitch.database.aliases import make_databases
from leadswitch.embedded import ensure_services
from leadswitch.env import REPOSITORY, celery_broker_url, read_environment
from leadswitch.logs import configure_structlog, make_logging_settings
from leadswitch.spans.hidden import show_opentelemetry

ENVIRONMENT = read_environment()
SERVICES = ensure_services(
    ENVIRONMENT.locations.var_dir,
    database_url=ENVIRONMENT.locations.database_url,
    redis_url=ENVIRONMENT.locations.redis_url,
    durable=ENVIRONMENT.locations.embedded_fsync,
    programs=ENVIRONMENT.locations.programs,
)

BASE_DIR = REPOSITORY
VAR_DIR = ENVIRONMENT.locations.var_dir
DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.secret_key
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
ROOT_URLCONF = "leadswitch.urls"
WSGI_APPLICATION = "leadswitch.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the product's own settings ---------------------------------------------------------------------------

REDIS_URL = SERVICES.redis_url
LEADSWITCH_ROLE = ENVIRONMENT.role
LEADSWITCH_IDENTITY_KEY = ENVIRONMENT.identity_key
LEADSWITCH_ENCRYPTION_KEY = ENVIRONMENT.encryption_key
# Without one, /metrics is not found.
LEADSWITCH_METRICS_TOKEN = ENVIRONMENT.metrics_token
# In seconds, for requests and for statements. Statements are faster than the first bound of the library.
PROMETHEUS_LATENCY_BUCKETS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.0, 5.0, 7.5, 10.0, 25.0, 50.0, 75.0, float("inf")),
)
# Of processes that serve no web pages; by kind of process, 0: none.
LEADSWITCH_METRICS_HOST = ENVIRONMENT.metrics_host
LEADSWITCH_METRICS_PORTS = ENVIRONMENT.metrics_ports
LEADSWITCH_EXPORTER_PORT = ENVIRONMENT.exporter_port
LEADSWITCH_EXPORTER_PERIOD_SECONDS = ENVIRONMENT.exporter_period_seconds
# How many workspaces its series by workspace name.
LEADSWITCH_EXPORTER_WORST = ENVIRONMENT.exporter_worst
# Of Datadog, for `manage.py dashboards`.
LEADSWITCH_DATADOG_PAGE_HANDLE = ENVIRONMENT.datadog_page_handle
LEADSWITCH_DATADOG_WARNING_HANDLE = ENVIRONMENT.datadog_warning_handle
# Without recipients no digest is sent.
LEADSWITCH_DIGEST_RECIPIENTS = ENVIRONMENT.digest_recipients
LEADSWITCH_DIGEST_TIME = ENVIRONMENT.digest_time
LEADSWITCH_DIGEST_TIMEZONE = ENVIRONMENT.digest_timezone
LEADSWITCH_BASE_URL = ENVIRONMENT.base_url
# The OTEL_ variables if distributed traces are on, else empty.
LEADSWITCH_OTEL = ENVIRONMENT.otel
LEADSWITCH_ALLOW_SUPERUSER = ENVIRONMENT.is_superuser_allowed
LEADSWITCH_REDIS_PREFIX = ENVIRONMENT.redis_prefix
LEADSWITCH_PICKUP_PERIOD_SECONDS = ENVIRONMENT.pickup_period_seconds
LEADSWITCH_TRANSIENT_MAX_ATTEMPTS = ENVIRONMENT.transient_max_attempts
LEADSWITCH_CLAIM_MAX_SECONDS = ENVIRONMENT.claim_max_seconds
LEADSWITCH_WAKE_MAX_AGE_HOURS = ENVIRONMENT.wake_max_age_hours
LEADSWITCH_WAKE_ENABLED = ENVIRONMENT.is_wake_enabled
# How due leads of a new workspace are found: docs/dispatch-rollout.md.
LEADSWITCH_DISPATCH_MODE = ENVIRONMENT.dispatch_mode
LEADSWITCH_LEASE_SECONDS = ENVIRONMENT.lease_seconds
LEADSWITCH_MAX_LOST_LEASES = ENVIRONMENT.max_lost_leases
LEADSWITCH_LARGE_SUM_CENTS = 100 * ENVIRONMENT.large_sum_dollars
LEADSWITCH_READY_SHARDS = ENVIRONMENT.ready_shards
LEADSWITCH_READY_LIMIT = ENVIRONMENT.ready_limit
LEADSWITCH_TUNING = ENVIRONMENT.tuning
LEADSWITCH_TAKEOVER = ENVIRONMENT.takeover
# In seconds, or in leads: how often the dispatch is checked, and when it is reported as late.
LEADSWITCH_WATCH = ENVIRONMENT.watch
LEADSWITCH_RATE_LIMITS = ENVIRONMENT.rate_limits
LEADSWITCH_LEAD_TRIES_PER_HOUR = ENVIRONMENT.lead_tries_per_hour
LEADSWITCH_TEST_LEADS_PER_DAY = ENVIRONMENT.test_leads_per_day
# Networks without public addresses to which deliveries may go: docs/outbound.md.
LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS = ENVIRONMENT.outbound_allowed_networks
# routing must not import what decides: it calls this, (lead_id, *, seconds), for senders that wait.
LEADSWITCH_DECIDE_HOOK = "distribution.attempts.distribute.decide_within"
# As above, for a lead with a ping: (lead, *, source, at) -> the id of the campaign that takes it now.
LEADSWITCH_CAMPAIGN_HOOK = "distribution.offers.quotes.find_campaign_id"
# As above, for a lead that ends while a buyer has it: (lead_id) -> how many buyers have it, and the sum of their cents.
LEADSWITCH_SOLD_HOOK = "distribution.attempts.chain.read_sold_leads"
# routing must not import calls: stale_locks calls this for a lead of a call, (lead, *, at). None: the call is out.
LEADSWITCH_CALL_CLAIM_HOOK = "distribution.calls.claims.end_claim"
LEADSWITCH_PING_SECONDS = ENVIRONMENT.ping_seconds
LEADSWITCH_PING_DAYS = ENVIRONMENT.ping_days
# distribution must not import what it runs on: its dispatcher calls this before it starts.
LEADSWITCH_BEGIN_HOOK = "leadswitch.start.begin_dispatcher"
LEADSWITCH_BEGIN_DELIVERER_HOOK = "leadswitch.start.begin_deliverer"
LEADSWITCH_BEGIN_DIALER_HOOK = "leadswitch.start.begin_dialer"
LEADSWITCH_BEGIN_STREAMS_HOOK = "leadswitch.start.begin_streams"
# Where streams of offers are, and what finds out who listens: it is called with the request's headers.
LEADSWITCH_STREAM_READERS = {
    "/api/v1/buyer/offers/stream/": "distribution.api.streams.readers.find_key_reader",
    "/portal/offers/stream/": "distribution.portal.listening.find_session_reader",
}
LEADSWITCH_STREAMS_URL = ENVIRONMENT.streams_url
LEADSWITCH_STREAM_ORIGINS = ENVIRONMENT.stream_origins
LEADSWITCH_STREAMS_CHECK_SECONDS = ENVIRONMENT.streams_check_seconds
LEADSWITCH_STREAMS_MOST = ENVIRONMENT.streams_most
# Requests that one deliverer runs at once, buyers that it asks for bids at once, and how often it looks for due
# deliveries if nothing wakes it.
LEADSWITCH_DELIVERER_THREADS = ENVIRONMENT.deliverer_threads
LEADSWITCH_BIDDING_THREADS = ENVIRONMENT.bidding_threads
LEADSWITCH_DELIVERER_POLL_MS = ENVIRONMENT.deliverer_poll_ms
LEADSWITCH_EVENT_DAYS = ENVIRONMENT.event_days
# The account at Stripe. None: nothing about cards is offered.
LEADSWITCH_STRIPE = ENVIRONMENT.stripe_account
LEADSWITCH_DIALER_THREADS = ENVIRONMENT.dialer_threads
LEADSWITCH_DIALER_POLL_MS = ENVIRONMENT.dialer_poll_ms
LEADSWITCH_CALL_SEARCH_SECONDS = ENVIRONMENT.call_search_seconds
LEADSWITCH_PAYMENTS_POLL_MS = ENVIRONMENT.payments_poll_ms
# Behind PgBouncer nothing can listen.
LEADSWITCH_PGBOUNCER = ENVIRONMENT.is_pgbouncer
# tracing must not import who may see what: its pages call this, (user) -> ids of workspaces, None for all.
LEADSWITCH_VISIBILITY_HOOK = "routing.access.visibility.visible_workspace_ids"
# tracing must not import workspaces: its filters call this, (user) -> id and name of those that the user sees.
LEADSWITCH_WORKSPACES_HOOK = "routing.access.visibility.name_visible_workspaces"
# Jobs that compare PostgreSQL with the data derived from it: the function, and the seconds between its runs by beat.
LEADSWITCH_RECONCILERS = {
    "stale_locks": ("routing.reconcile.stale_locks.run", ENVIRONMENT.stale_locks_period_seconds),
    "expiry": ("routing.reconcile.expiry.run", ENVIRONMENT.expiry_period_seconds),
    "holds": ("distribution.reconcile.holds.run", ENVIRONMENT.holds_period_seconds),
    "offers": ("distribution.reconcile.offers.run", ENVIRONMENT.offers_period_seconds),
    "verifications": ("distribution.reconcile.verifications.run", ENVIRONMENT.verifications_period_seconds),
    "channels": ("distribution.reconcile.channels.run", ENVIRONMENT.channels_period_seconds),
    "balances": ("distribution.reconcile.balances.run", ENVIRONMENT.balances_period_seconds),
    "schedule": ("routing.reconcile.schedule.run", ENVIRONMENT.schedule_period_seconds),
    "inflight": ("routing.reconcile.inflight.run", ENVIRONMENT.inflight_period_seconds),
    "workspace_pauses": (
        "routing.reconcile.workspace_pauses.run",
        ENVIRONMENT.workspace_pauses_period_seconds,
    ),
    "buyer_pauses": ("distribution.reconcile.buyer_pauses.run", ENVIRONMENT.buyer_pauses_period_seconds),
    "wakeups": ("routing.reconcile.wakeups.run", ENVIRONMENT.wakeups_period_seconds),
    "deliveries": ("distribution.reconcile.deliveries.run", ENVIRONMENT.deliveries_period_seconds),
    "payments": ("distribution.reconcile.payments.run", ENVIRONMENT.payments_period_seconds),
    "rollups": ("tracing.reconcile.rollups.run", ENVIRONMENT.rollups_period_seconds),
    "statements": ("distribution.reconcile.statements.run", ENVIRONMENT.statements_period_seconds),
}

# --- Django -----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # Before the product, which takes their pages out of the admin.
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "leadswitch.apps.LeadswitchConfig",
    "distribution.apps.DistributionConfig",
    "routing.apps.RoutingConfig",
    "tracing.apps.TracingConfig",
    "leadswitch.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "pgtrigger",
    "axes",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "leadswitch.web.policy.ContentSecurityPolicyMiddleware",
    "leadswitch.web.metrics.MetricsMiddleware",
    "leadswitch.web.probes.ProbesMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "leadswitch.web.input.StorableInputMiddleware",
    "leadswitch.web.plans.UnpreparedReadsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

if LEADSWITCH_OTEL:
    MIDDLEWARE.insert(0, "leadswitch.spans.middleware.RequestSpanMiddleware")

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
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# The first refuses to look at a password while its name is locked; the second checks it.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Where a login goes if its `next` is not a page of this server.
LOGIN_REDIRECT_URL = "admin:index"
AXES_HANDLER = "leadswitch.login.guard.LoginGuard"
AXES_LOCKOUT_CALLABLE = "leadswitch.login.guard.lockout_page"
# Its tables and log lines would contain names, addresses and what was typed.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "LeadSwitch"
LEADSWITCH_SECOND_FACTOR = ENVIRONMENT.second_factor
LEADSWITCH_LOGIN_FAILURES = ENVIRONMENT.login_failures
LEADSWITCH_LOGIN_LOCK_MINUTES = ENVIRONMENT.login_lock_minutes

LEADSWITCH_PORTAL_SESSION_DAYS = ENVIRONMENT.portal_session_days

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "leadswitch.formats"

STATIC_URL = "static/"
# Static files are served from the apps themselves: there is no collectstatic step and no STATIC_ROOT.
WHITENOISE_USE_FINDERS = True

# --- database ---------------------------------------------------------------------------------------------

DATABASES = make_databases(
    SERVICES.database_url,
    role=LEADSWITCH_ROLE,
    is_prepared=ENVIRONMENT.is_prepared,
    is_pgbouncer=ENVIRONMENT.is_pgbouncer,
)

# --- mail -------------------------------------------------------------------------------------------------

MAIL_SERVER = ENVIRONMENT.mail_server
EMAIL_HOST = MAIL_SERVER.host
EMAIL_PORT = MAIL_SERVER.port
EMAIL_HOST_USER = MAIL_SERVER.user
EMAIL_HOST_PASSWORD = MAIL_SERVER.password
EMAIL_USE_TLS = MAIL_SERVER.is_starttls
EMAIL_USE_SSL = MAIL_SERVER.is_tls
DEFAULT_FROM_EMAIL = ENVIRONMENT.email_from
# Below the time limit of a task.
EMAIL_TIMEOUT = 20

# --- API --------------------------------------------------------------------------------------------------

# Django reads multipart bodies: as many fields as the guard allows in one lead.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    # The guard is the only parser of bodies: the others accept values that cannot be stored.
    "DEFAULT_PARSER_CLASSES": ["routing.api.guard.GuardedJSONParser"],
    "EXCEPTION_HANDLER": "routing.api.errors.api_exception_handler",
    "DEFAULT_SCHEMA_CLASS": "routing.api.schema.ScopedAutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    # Every view sets its own permissions. A view without them is closed.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "LeadSwitch",
    "DESCRIPTION": "Receives leads, sells them to the right buyers, and explains every decision.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # Webhooks are in OpenAPI from 3.1 on.
    "OAS_VERSION": "3.1.1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "distribution.api.webhookdocuments.add_webhooks",
    ],
    "ENUM_NAME_OVERRIDES": {
        "LeadStatusEnum": "routing.models.LeadStatus",
        "ReturnStateEnum": "distribution.models.ReturnState",
        "DeliveryStateEnum": "distribution.models.DeliveryState",
        "TryOutcomeEnum": "distribution.models.TryOutcome",
        "CallStateEnum": "distribution.models.CallState",
        "CallOutcomeEnum": "distribution.models.CallOutcome",
        "VerificationStateEnum": "distribution.models.VerificationState",
        "VerificationReasonEnum": "distribution.api.calldocuments.REASONS",
        "ReasonEnum": "distribution.configuration.return_reasons.REASON_CHOICES",
        "BatchResultStatusEnum": ["accepted", "rejected"],
    },
}

# --- transport security -----------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = ENVIRONMENT.is_https
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if ENVIRONMENT.is_https else 0
# Both affect hosts that may not be LeadSwitch, the second one for years: the owner of the domain decides.
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENVIRONMENT.hsts_include_subdomains
SECURE_HSTS_PRELOAD = ENVIRONMENT.hsts_preload
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.is_behind_proxy else None
SESSION_COOKIE_SECURE = ENVIRONMENT.is_https
CSRF_COOKIE_SECURE = ENVIRONMENT.is_https

# --- Celery -----------------------------------------------------------------------------------------------

CELERY_BROKER_URL = celery_broker_url(REDIS_URL)
CELERY_TASK_DEFAULT_QUEUE = LEADSWITCH_REDIS_PREFIX
CELERY_TASK_QUEUES = list_queues(CELERY_TASK_DEFAULT_QUEUE, shards=LEADSWITCH_READY_SHARDS)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_TASK_ACKS_LATE = True
# A task killed with its worker is not redelivered at once: a poison task would loop. Its lead is still due
# in the database, and the pick-up finds it.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 10_000
# The work of a task is in its database transaction: let it commit, with or without the broker.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_SOFT_TIME_LIMIT = 120
CELERY_TASK_TIME_LIMIT = 150
# Celery's Django fix-up closes the connections after every task. With this they stay open for that many tasks.
CELERY_DB_REUSE_MAX = 1_000
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A Redis that is full, read-only, loading or busy refuses commands: a worker treats it like a broker that is down.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # the default gives up after 100 and ends the worker
CELERY_BROKER_POOL_LIMIT = 10
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 1

CELERY_BROKER_TRANSPORT_OPTIONS = make_transport_options(LEADSWITCH_REDIS_PREFIX)
CELERY_TASK_PUBLISH_RETRY_POLICY = make_retry_policy()

CELERY_BEAT_SCHEDULER = "leadswitch.beat:HeartbeatScheduler"
# Beat sends its heartbeat before each wait, so no wait may be longer.
CELERY_BEAT_MAX_LOOP_INTERVAL = LEADSWITCH_TAKEOVER.process_heartbeat_seconds
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = make_beat_schedule(
    LEADSWITCH_RECONCILERS,
    pickup_period_seconds=LEADSWITCH_PICKUP_PERIOD_SECONDS,
    sends_digest=bool(LEADSWITCH_DIGEST_RECIPIENTS),
)

# --- logging ----------------------------------------------------------------------------------------------

LOG_PROCESSORS: list[Processor] = []
if LEADSWITCH_OTEL:
    show_opentelemetry()
    # Imported here: without distributed traces, no process loads OpenTelemetry.
    from leadswitch.spans.log_fields import add_trace_id

    LOG_PROCESSORS.append(add_trace_id)

LOGGING = make_logging_settings(ENVIRONMENT.log_level, LOG_PROCESSORS)
configure_structlog(*LOG_PROCESSORS)
