"""What the product asks of its PostgreSQL: limits of every session, a supported version, a plain role, enough room."""
