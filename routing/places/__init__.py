"""Countries, states, regions and US ZIP codes, from tables that ship with the product. No database."""
