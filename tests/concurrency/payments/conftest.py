"""The payment provider of the tests."""

from tests.functional.payments.conftest import provider, running_provider

__all__ = ["provider", "running_provider"]
