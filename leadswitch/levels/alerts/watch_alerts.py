"""Alerts on the monitoring itself, and the daily digest.

Without these a dead exporter would look like a day without traffic.
"""

from typing import Final

from leadswitch.levels.alerts.alert import Alert, Dashboard, Job, Severity
from leadswitch.levels.alerts.call_alerts import NO_CHANNELS
from leadswitch.levels.alerts.delivery_alerts import NO_ENDPOINTS
from leadswitch.levels.alerts.dispatch_alerts import POLLED_ONLY
from leadswitch.levels.objectives import AVAILABILITY, AVAILABILITY_DEADLINE_SECONDS

# Without beat leads are still sold, and expired leases are still ended.
JOBS: Final = {
    Job.WEB: (Severity.PAGE, "no leads are received through the API"),
    Job.WORKER: (Severity.PAGE, "leads are decided only by the dispatcher, if at all"),
    Job.DISPATCHER: (Severity.PAGE, "leads start late"),
    Job.DELIVERER: (Severity.PAGE, "sold leads do not reach the systems of their buyers"),
    Job.STREAMS: (Severity.WARNING, "buyers who listen do not hear of offers, and must ask for them"),
    Job.DIALER: (Severity.PAGE, "leads are not verified, and calls that end keep their lines"),
    Job.BEAT: (Severity.WARNING, "no reconciler runs"),
}
# No lead is offered by ping post: no stream is expected.
NO_PING_POST: Final = "max(leadswitch_ping_post_campaigns) == 0"
# Where these hold, no such process is expected.
UNEXPECTED: Final = {
    Job.DISPATCHER: POLLED_ONLY,
    Job.DELIVERER: NO_ENDPOINTS,
    Job.STREAMS: NO_PING_POST,
    Job.DIALER: NO_CHANNELS,
}
DIGEST_HOUR: Final = 9


def _query(promql: str, then: str = 'printf "%.0f"', *, without: str = "0") -> str:
    """A template that shows the first value of a query."""
    return f"{{{{ with query `{promql}` }}}}{{{{ . | first | value | {then} }}}}{{{{ else }}}}{without}{{{{ end }}}}"


def _attempts(result: str) -> str:
    return _query(f'sum(increase(leadswitch_attempts_total{{result="{result}"}}[1d]))')


def _make_digest_summary() -> str:
    budget = _query(
        'slo:period_error_budget_remaining:ratio{slo="availability"}',
        "humanizePercentage",
        without="not measured",
    )
    p95 = _query(
        "histogram_quantile(0.95, sum by (le) (rate(leadswitch_due_to_decision_seconds_bucket[1d]))) >= 0",
        "humanizeDuration",
        without="not measured",
    )
    received = _query("sum(increase(leadswitch_leads_received_total[1d]))")
    return (
        f"Last 24 hours: {received} leads received,"
        f" {_attempts('success')} sold, {_attempts('unsold')} unsold, {_attempts('duplicate')} duplicates,"
        f" {_attempts('failed')} failed. p95 from due to decided: {p95}."
        f" Due retries now: {_query('max(leadswitch_retries_due)')}. Availability budget left: {budget}."
    )


def _make_job_absent(job: Job, severity: Severity, consequence: str) -> Alert:
    unexpected = f" unless on() {UNEXPECTED[job]}" if job in UNEXPECTED else ""
    return Alert(
        name="LeadSwitchJobAbsent",
        severity=severity,
        kind=f"{job}-absent",
        expression=f'absent(up{{job="{job}"}} == 1){unexpected}',
        holds_for="2m",
        labels={"job": str(job)},
        summary=f"Prometheus scrapes no instance of {job}. If none runs, {consequence}.",
        normal="at least one instance is up",
        dashboard=Dashboard.DISPATCH,
    )


WATCH_ALERTS: Final = (
    Alert(
        name="LeadSwitchDailyDigest",
        severity=Severity.DIGEST,
        kind="digest",
        # Prometheus uses only UTC.
        expression=f"hour() == {DIGEST_HOUR} and minute() < 10",
        summary=_make_digest_summary(),
        normal=(
            f"{AVAILABILITY.target:.1%} of leads decided within {AVAILABILITY_DEADLINE_SECONDS} s,"
            " under 20 due retries"
        ),
        dashboard=Dashboard.ROUTING,
    ),
    *(_make_job_absent(job, *rest) for job, rest in JOBS.items()),
    Alert(
        name="LeadSwitchExporterAbsent",
        severity=Severity.PAGE,
        kind="exporter",
        expression=f'absent(up{{job="{Job.EXPORTER}"}} == 1)',
        holds_for="2m",
        labels={"job": str(Job.EXPORTER)},
        summary="Prometheus scrapes no exporter: alerts on queues, leaders, workers and balances cannot fire.",
        normal="one instance is up",
        dashboard=Dashboard.DATABASE,
    ),
    Alert(
        name="LeadSwitchExporterCollectorFailed",
        severity=Severity.WARNING,
        kind="exporter",
        reads=Job.EXPORTER,
        expression="min by (collector) (leadswitch_exporter_collector_success) == 0",
        holds_for="2m",
        keep_firing_for="2m",
        summary="The collector {{ $labels.collector }} of the exporter has failed for 2 minutes.",
        normal="every collector succeeds at each pass",
        dashboard=Dashboard.DATABASE,
        shown=("collector",),
    ),
    Alert(
        name="LeadSwitchPostgresDown",
        severity=Severity.PAGE,
        kind="exporter",
        reads=Job.EXPORTER,
        expression="max(leadswitch_up) == 0",
        holds_for="1m",
        summary="PostgreSQL has not responded to the exporter for 1 minute. No lead can be stored or decided.",
        normal="it responds within milliseconds",
        dashboard=Dashboard.DATABASE,
    ),
    Alert(
        name="LeadSwitchRedisLost",
        severity=Severity.WARNING,
        # Not that of LeadSwitchPostgresDown, which would silence it.
        kind="redis",
        reads=Job.EXPORTER,
        expression="max(leadswitch_redis_up) == 0",
        holds_for="1m",
        summary=(
            "Redis has not responded to the exporter for 1 minute. Leads are sold from PostgreSQL, somewhat later."
            f" Overdue leads now: {_query('max(leadswitch_leads_overdue)', without='not measured')}."
        ),
        normal="Redis responds within a millisecond",
        dashboard=Dashboard.DATABASE,
    ),
    Alert(
        name="LeadSwitchWatchdog",
        severity=Severity.NONE,
        kind="watchdog",
        expression="vector(1)",
        summary="This alert always fires. If its receiver does not get it, Prometheus or Alertmanager is down.",
        normal="it fires",
        dashboard=Dashboard.DISPATCH,
    ),
)
