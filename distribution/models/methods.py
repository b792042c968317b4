"""How a message can reach an endpoint: the methods, their formats, and the fields that each of them uses."""

from typing import Final

from django.db import models


class Method(models.TextChoices):
    WEBHOOK = "webhook", "signed webhook: JSON with a signature (Standard Webhooks)"
    HTTP = "http", "custom HTTP request: the fields and format of the buyer's system"
    EMAIL = "email", "email: one message for each lead"
    CSV = "csv", "daily CSV: one email a day with all leads"


class Purpose(models.TextChoices):
    DELIVERY = "delivery", "delivery: it gets leads or events"
    PING = "ping", "ping: it is asked for bids, and never gets contact data"


class PriceUnit(models.TextChoices):
    DOLLARS = "dollars", "dollars, like 45.50"
    CENTS = "cents", "cents, like 4550"


class BodyFormat(models.TextChoices):
    JSON = "json", "JSON"
    FORM = "form", "form fields"
    XML = "xml", "XML"


class EmailFormat(models.TextChoices):
    TEXT = "text", "plain text"
    HTML = "html", "HTML"
    ADF = "adf", "ADF XML, for car dealers"


class HttpMethod(models.TextChoices):
    POST = "POST", "POST"
    PUT = "PUT", "PUT"
    GET = "GET", "GET"


class AnswerFormat(models.TextChoices):
    JSON = "json", "JSON"
    XML = "xml", "XML"
    TEXT = "text", "text"


# What each method asks for. The form shows these fields, and the others are cleared when it is saved.
METHOD_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    Method.WEBHOOK: ("url", "test_url", "timeout_seconds", "max_in_flight"),
    Method.HTTP: (
        *("url", "test_url", "http_method", "body_format", "template", "headers"),
        *("accept_term", "accept_path", "reason_path", "price_path", "answer_format"),
        *("timeout_seconds", "max_in_flight"),
    ),
    Method.EMAIL: ("email_to", "email_format"),
    Method.CSV: ("email_to", "daily_at", "template"),
}
REQUIRED_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    Method.WEBHOOK: ("url",),
    Method.HTTP: ("url", "http_method", "body_format"),
    Method.EMAIL: ("email_to", "email_format"),
    Method.CSV: ("email_to",),
}
