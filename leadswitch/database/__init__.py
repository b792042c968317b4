"""What the product requires of PostgreSQL: session limits, a supported version, a plain role, enough connections."""
