"""Why a lead was sold or not: attempts, events, the vocabulary, the recorder, the narrator and the audit log."""
