"""The WSGI entry point that the web server serves."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler

from leadswitch.web.request import Utf8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadswitch.settings")
os.environ.setdefault("LEADSWITCH_ROLE", "web")


class Utf8Handler(WSGIHandler):
    request_class = Utf8Request


django.setup(set_prefix=False)
application = Utf8Handler()
