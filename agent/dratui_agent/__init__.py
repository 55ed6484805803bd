"""dratui-agent: one process a node that reads the GPU driver and knows which claim holds which device."""

__version__ = "0.1.0"
