"""The page "Health" of the admin: objectives, results, latency and what waits. Reads only, from the roll-up."""
