"""`manage.py exporter`: the state of PostgreSQL, Redis and the dispatch as gauges for Prometheus.

A scrape never waits for a server. Each collector has a thread that reads at intervals, and a scrape gets the latest
values with their age. The room only reads. `collectors/` has one module for each collector.
"""
