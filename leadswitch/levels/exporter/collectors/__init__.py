"""One module for each collector of the exporter: its series, what it reads, and its row in `registry`."""
