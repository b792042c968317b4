"""Offers of leads to buyers: claims, what buyers may read about offers, and what a source would be paid for a lead.

Attempts open and close offers (distribution/attempts/offering.py). A claim decides about one buyer at a time, and a
buyer learns nothing about other buyers. Contact data is not shown before a claim. A quote for a source decides like an
attempt, but writes and locks no lead.
"""
