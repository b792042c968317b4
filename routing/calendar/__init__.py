"""Time zones, weekly hours and calendar windows. Pure: the time is an argument."""
