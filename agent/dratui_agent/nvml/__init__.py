"""Reading the GPU driver's library (NVML)."""
