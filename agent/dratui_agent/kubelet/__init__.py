"""The agent as DRA kubelet plugin: it offers this node's devices, and prepares the claims that were given them.

One way: the driver's devices become `offers` (`inventory`, and `taints` of what is wrong with them), offers become
ResourceSlices (`slices`), and `publisher` keeps these in the API server (`rollout` says what differs). The scheduler
allocates; kubelet calls (`registration`, `service`); `preparation` checks (`allotted`, `config`), brings the device
(`hardware`), writes CDI (`cdi`) and remembers (`checkpoint`); `recovery` does what nobody asks for. What was done is
told by `prepared` alone; all of it at a moment is a `Belief`, which `belief` puts together. `plugin` wires all of it.
"""
