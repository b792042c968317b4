"""Wiring only: settings, environment, Celery, URLs, embedded services."""
