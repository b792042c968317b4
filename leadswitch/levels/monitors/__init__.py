"""Datadog monitors, made from the rows of the alerts. Imports no Django.

`manage.py dashboards` writes them to ops/datadog/monitors.json.
"""
