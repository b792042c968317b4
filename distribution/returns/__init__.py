"""A buyer gives a lead back: policies, requests, evidence, review, refunds.

A refund never exceeds what is left of the charge. It moves money only through `distribution/money/`.
"""
