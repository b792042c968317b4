"""Checks the product's invariants on live data. One file for each invariant. Checks report and never repair."""

from distribution.verify.findings import Breach, Findings, Invariant
from distribution.verify.invariants import INVARIANTS
from distribution.verify.run import Report, run_verification

__all__ = ["INVARIANTS", "Breach", "Findings", "Invariant", "Report", "run_verification"]
