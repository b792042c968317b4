"""Checks, descriptions and maps of what people enter: service areas, filters, hours, limits. Pure."""
