"""What devices do, read where it is measured: a source of samples (`dratui.samples`) beside the cluster's.

    source      a cluster whose nodes are measured: what the dashboard and `get` follow
    choice      who measures: found out, or as `--metrics-from` says
    following   the wanted nodes, at most 40 at a time: begins, ends, begins again, tells health
    discovery   which pod measures a node, and by which `Follower`
    endpoint    a way to an exporter: through the API server's pod proxy, or directly
    agent       follows the agent's stream (`frames`: its wire format; `sse`: Server-Sent Events)
    scrape      reads other exporters' `/metrics` (`exposition`: its text; `dialects`: what each calls things, as data;
                `devices`: series put together to devices)
    prometheus  asks Prometheus for all wanted nodes at once (`promql`: what; `promapi`, `promhttp`: whom, and who we
                are; `measured`: its answers put together to samples; `idling`: how idle devices were)
    remembering one of these for now, and Prometheus for what was before

Another exporter is an `Exporter` in `choice.EXPORTERS`: how to find its pods, and a `Follower` made from an `Endpoint`,
which hands each `NodeSample` on; everything else (which nodes, how many, trying again, words for what fails) is done
for it. Who answers for many nodes at once, as Prometheus does, is a `Telemetry` of its own, made by `choice` instead
of `Following`.
"""
