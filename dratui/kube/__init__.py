"""From an API server's bytes to events: `source.ClusterSource` for `options.Options`.

connection (kubeconfig, credentials, TLS, proxy) · discovery (which version is served) · reflector (list, watch,
resume, back off, and say how it goes). Knows HTTP and Kubernetes; knows nothing of DRA. Importing this package or
`options` is free; `source` imports aiohttp (158 ms), so import it after the first paint.
"""
