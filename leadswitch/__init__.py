"""Wiring only: settings, environment, Celery, URLs, embedded services."""

from leadswitch.spans.hidden import hide_opentelemetry

hide_opentelemetry()
