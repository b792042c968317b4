"""Causes every fault while leads flow, and checks the accounts afterwards. See docs/chaos.md."""
