"""The part `health`: the page Health on a million attempts of 35 days, in a database of its own."""
