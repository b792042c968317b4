"""Variables of distributed traces. OpenTelemetry defines their names, and its SDK reads all but the first itself."""

from collections.abc import Mapping

from leadswitch.env.parse import parse_http_url
from leadswitch.env.variable import Section, Variable

PREFIX = "OTEL_"


class Spans(Section):
    TITLE = "Distributed traces (docs/distributed-traces.md)"

    otlp_endpoint = Variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        parse_http_url,
        default="",
        example="http://127.0.0.1:4318",
        help=(
            "Where to export spans by OTLP over HTTP. Empty: no distributed traces. Other OTEL_ variables, such as"
            " OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER, work as OpenTelemetry describes them."
        ),
    )

    @property
    def otel(self) -> Mapping[str, str]:
        """Every OTEL_ variable; empty if distributed traces are off."""
        if not self.otlp_endpoint:
            return {}
        return {name: text for name, text in self.texts.items() if name.startswith(PREFIX)}
