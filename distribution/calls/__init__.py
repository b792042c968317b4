"""Verification calls over channels with a limited number of lines. The carrier is asked outside transactions."""
