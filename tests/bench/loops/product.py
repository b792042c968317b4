"""The product: the use case that workers call."""

from distribution.attempts.distribute import distribute_lead


class Product:
    def sell(self, lead_id: int) -> bool:
        outcome = distribute_lead(lead_id)
        return outcome.result == "success" and outcome.is_traced
