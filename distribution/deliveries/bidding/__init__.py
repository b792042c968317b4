"""Asks buyers' ping endpoints for bids in auctions, all at once and under one deadline.

It writes the bids, and nothing else: who gets the lead is decided by the attempt that closes the auction. No
transaction and no lock is open while buyers are asked.
"""
