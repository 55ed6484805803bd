"""The sampler on the real driver, compared with nvidia-smi: `make test-gpu`, on a machine that has a GPU."""
