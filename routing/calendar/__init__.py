"""Arithmetic of time: time zones, weekly hours, calendar windows. Pure: the moment comes in as an argument."""
