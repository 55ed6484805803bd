"""Serving what was read: `/metrics`, the stream, health."""
