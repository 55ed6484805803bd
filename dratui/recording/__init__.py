"""Recordings: what an API server said, with times, to look at later and elsewhere."""
