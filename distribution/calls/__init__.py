"""Verification calls to leads over channels with a limited number of lines."""
