"""The agent and the dashboard on a cluster with nodes, in namespaces of its own: nothing of it is seen outside.

namespaces   what it is run in, and taken away with
conftest     the tests of this folder, run inside
cluster      the lab itself: a control plane, and agents on nodes that nobody runs
agents       the real agent, read through the pod proxy; `chart`: as an administrator installs it
node         a real kubelet with containerd and runc; `image` is what its pods are made of
dashboard    the dashboard on it
driver       the agent as the node's DRA driver
plugins      a DRA driver and a device plugin, speaking to it in `messages`
"""
