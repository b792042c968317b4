"""Distributed traces with OpenTelemetry: the exporter of a process, its spans, and their ids in its log lines.

Only `begin` and `hidden` may be imported while OTEL_EXPORTER_OTLP_ENDPOINT is not set: the others load it. No
span contains a path, a query, a statement, an exception's text or a field of a lead.
"""
