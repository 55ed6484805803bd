"""Which claim, pod and container has which device: from kubelet, CDI specs and the names that drivers give."""
