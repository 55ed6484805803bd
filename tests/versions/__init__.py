"""The same rows from every version of resource.k8s.io that a server serves, and from every release that has DRA."""
