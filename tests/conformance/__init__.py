"""Reference answers of the real Kubernetes code, and how ours compare: `python -m tests.conformance.cel FILE...`."""
