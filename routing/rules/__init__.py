"""Where a lead goes: routing rules, their compiled plans, and duplicates. Reads only; the attempt writes the result."""
