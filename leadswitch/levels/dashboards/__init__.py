"""Dashboards as data, and the files of Grafana and Datadog that are generated from them. Imports no Django.

`manage.py dashboards` writes the files. A board names series only in `expressions`, so both formats query the same
series.
"""
