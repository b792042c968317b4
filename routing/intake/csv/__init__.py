"""Takes leads in from a CSV file: table (the file), mapping (its columns), rejects (what is wrong), run (use case)."""
