"""Gives a Celery worker a directory for the metrics of its processes, when it is imported.

Import it before prometheus_client. It does nothing in other processes, if the worker serves no metrics, or if
PROMETHEUS_MULTIPROC_DIR is set: the directory is then shared, and must be empty at the start.
"""

import os
import sys

from leadswitch.env import read_worker_metrics
from leadswitch.levels.serving.directory import VARIABLE, make_directory
from leadswitch.start import one_line_failures

if "worker" in sys.argv[1:] and VARIABLE not in os.environ:
    with one_line_failures():
        var_dir, port = read_worker_metrics()
        if port:
            os.environ[VARIABLE] = str(make_directory(var_dir, kind="worker"))
