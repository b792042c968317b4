"""Service levels: objectives, metrics, alerts, dashboards, the Health page, and the reports for runbooks."""
