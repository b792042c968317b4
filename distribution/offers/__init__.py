"""Offers of leads to buyers: claims, and what buyers may read about offers.

Attempts open and close offers (distribution/attempts/offering.py). This room decides about one buyer at a time, and
shows a buyer nothing about other buyers. It must not show contact data before a claim.
"""
