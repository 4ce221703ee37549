"""The evidence: many runs, what they are recorded as, and what the records say."""
