"""Alerts as data, and the files of Prometheus and Alertmanager that are generated from them. Imports no Django.

`manage.py alert_rules` writes the files. Each alert has a severity, a runbook, a dashboard and its normal value.
"""
