"""The agent and the dashboard on a cluster with nodes: real pod proxy, real kubelet, all in namespaces of its own."""
