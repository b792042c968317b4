"""Prometheus names of routing, by what they measure. Labels never carry a tenant, lead or buyer."""

# A process that uses one of them has them all: each series exists from its start.
from routing.metrics import dispatch, intake, leader, leads, postgres, reconcilers

__all__ = ["dispatch", "intake", "leader", "leads", "postgres", "reconcilers"]
