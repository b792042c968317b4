"""The ways of selling a lead that are compared: each writes the same rows in one transaction per lead."""

from typing import Protocol

from tests.bench.loops.by_hand import ByHand
from tests.bench.loops.plain_orm import PlainOrm
from tests.bench.loops.product import Product
from tests.bench.plan import BY_HAND, PLAIN_ORM, PRODUCT
from tests.bench.template import Template


class Loop(Protocol):
    def sell(self, lead_id: int) -> bool:
        """Sell one due lead. Returns whether it was sold."""


def make_loop(name: str, *, template: Template, worker: int) -> Loop:
    """`worker` is this process's number from 0: the baselines' buyers differ by it, so they never wait for a lock."""
    if name == PRODUCT:
        return Product()
    if name == BY_HAND:
        return ByHand(template, worker=worker)
    if name == PLAIN_ORM:
        return PlainOrm(template, worker=worker)
    raise ValueError(name)


__all__ = ["Loop", "make_loop"]
