"""How long a scrape of each process takes."""
