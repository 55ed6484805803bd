"""Why a pod waits, or a claim: the scheduler's decision made again for what the store knows, node by node. Pure."""
