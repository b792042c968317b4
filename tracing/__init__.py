"""Why: attempts, events, the vocabulary, the recorder and the narrator."""
