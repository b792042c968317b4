"""Breaks everything that may break while leads flow, and counts afterwards. See docs/chaos.md."""
