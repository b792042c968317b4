"""The metrics endpoints of the worker, the dispatcher and beat, and what they have in common with web's /metrics.

Each kind of process serves its own metrics. Processes that share PROMETHEUS_MULTIPROC_DIR are added up. The room sets
no metric of the product: it only shows them.
"""
