"""Telemetry: how the dashboard reads what devices do."""
