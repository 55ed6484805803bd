"""dratui: the eyes on Kubernetes Dynamic Resource Allocation, in a terminal."""

__version__ = "0.1.0"
