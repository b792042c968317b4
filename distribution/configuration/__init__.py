"""Checks and descriptions of what people enter: service areas, filters, hours, limits. Pure."""
