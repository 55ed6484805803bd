"""Real Kubernetes components for tests: built once, started in seconds, gone without a trace."""
