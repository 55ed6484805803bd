"""Every series of `/metrics`, for people: `dratui-agent --metrics`, and agent/METRICS.md."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from prometheus_client.core import Metric

from dratui_agent.exporter import dcgm, frames, own
from dratui_agent.exporter.series import DESCRIBED, HOLDER_LABELS, IDENTITY_LABELS, PREFIX, SERIES
from dratui_agent.exporter.text import unit
from dratui_agent.kubelet import metrics
from dratui_agent.nvml.quantities import QUANTITIES
from dratui_agent.sample import Absent

_NOT_TOLD: Final = {
    Absent.NOT_SUPPORTED: "the device or the driver has no such value",
    Absent.NO_PERMISSION: "the agent may not read it",
    Absent.MIG_NO_GPM: "under MIG only GPM tells utilisation (Hopper and later), and this GPU has none",
    Absent.MIG: "told of the whole GPU only; has no series in `dratui_gpu_absent`",
    Absent.NOT_YET: "needs a second sample",
    Absent.LOST: "the GPU has fallen off the bus",
    Absent.RESET_REQUIRED: "the GPU wants a reset first",
    Absent.FAILED: "another error, counted in `dratui_agent_nvml_errors_total`",
}


DEVICE_FIELDS: Final = {
    "uuid": "as NVML has it",
    "kind": "`gpu` or `mig`",
    "name": "of the product; of a MIG device with its profile",
    "gpu": "UUID of the GPU: its own, or that of which it is a part",
    "index": "number of the GPU, as the driver counts",
    "minor": "number of /dev/nvidiaN, null if the driver does not tell",
    "pci": "bus id in lower case, as in /sys; empty for a MIG device",
    "architecture": "`Hopper`, …",
    "compute_capability": "`9.0`",
    "serial": "of the board; empty if the driver does not tell",
    "mig": "whether a GPU is cut by MIG",
    "gi": "id of the GPU instance; this and what follows null for a GPU",
    "ci": "id of the compute instance",
    "profile": "id of the GPU instance's profile",
    "start": "first memory slice of the GPU instance",
    "size": "memory slices of the GPU instance",
}
"""Fields of `dratui_agent.sample.Device`."""


def markdown() -> str:
    """All of it."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from (
        "# Metrics of dratui-agent",
        "",
        "Written by `dratui-agent --metrics`. Values are in base units; one that is not known has no series, and its",
        "reason is in `dratui_gpu_absent`.",
        "",
        "## Devices",
        "",
        f"Every value has the labels of its device, `{IDENTITY_LABELS}`,",
        "and of the container that holds it,",
        f"`{HOLDER_LABELS}`;",
        "with several holders namespace, pod and container are `shared`, and `dratui_gpu_holder_info` lists them. What",
        "is not known is left out: the claim where a device plugin gave the device, and `request`, which kubelet does",
        "not tell, but for `--attribution.api-server`. The columns below name what a series has besides. Compute",
        "instances of one GPU instance share its memory and its utilisation: do not add them up.",
        "",
    )
    yield from _table(("series", "type", "unit", "labels", "NVML", "what it is"), _devices())
    yield from ("", "Why a value is not there (`dratui_gpu_absent`, and `absent` in the stream):", "")
    yield from _table(
        ("reason", "what it means"), ((f"`{reason}`", text) for reason, text in _NOT_TOLD.items())
    )
    title, _, text = (frames.__doc__ or "").partition("\n")
    yield from ("", "## The stream", "", title)
    yield from text.rstrip().splitlines()
    yield from (
        "",
        "`/v1/stream?devices=UUID,UUID&interval=2s` (Server-Sent Events) gives only these devices, and not more often.",
        "While nothing comes there is a comment each 15 seconds. Who comes back with Last-Event-ID gets values at once",
        "if the layout is still the same. One that takes nothing for a minute is sent away; 64 may listen.",
    )
    yield from ("", "`/v1/snapshot` is a full frame's data. A device, apart from what stands above:", "")
    yield from _table(("field", "what it is"), ((f"`{name}`", text) for name, text in DEVICE_FIELDS.items()))
    yield from ("", "Keys:", "")
    keys = ((f"`{key}`", f"`{PREFIX}{q.series}`", _pairs(q.labels.items())) for key, q in QUANTITIES.items())
    yield from _table(("key", "series", "where"), keys)
    yield from ("", "## The agent itself", "")
    yield from _table(("series", "type", "unit", "labels", "what it is"), _families(own.families()))
    yield from (
        "",
        "`process_…`: CPU, memory, open files and start of its process, as all Prometheus clients have them.",
        "",
        "## With --kubelet-plugin",
        "",
        "What the DRA driver tells of itself, as NVIDIA's does; `driver` tells the two apart.",
        "",
    )
    yield from _table(("series", "type", "unit", "labels", "what it is"), _families(metrics.families()))
    yield from (
        "",
        "## With --dcgm-names",
        "",
        "The same values once more, beside the others, as dcgm-exporter serves them, so that its dashboards and alerts",
        f"go on. Labels: `{dcgm.LABELS}`.",
        "A MIG device is told, as there, by the UUID of its GPU, GPU_I_PROFILE and GPU_I_ID.",
        "",
    )
    yield from _table(("name", "type", "of", "times"), _dcgm())


def _devices() -> Iterator[Sequence[str]]:
    for series in SERIES:
        first = QUANTITIES[series.columns[0].key]
        names = sorted({name for column in series.columns for name in column.labels})
        values = ", ".join(value for column in series.columns for value in column.labels.values())
        told = f"{' '.join(names)}: {values}" if names else ""
        sources = dict.fromkeys(QUANTITIES[column.key].source for column in series.columns)
        source = ", ".join(sources) if len(sources) < 3 else f"{first.source} and others"
        yield f"`{series.name}`", series.kind, unit(series.name), told, source, series.help
    for each in DESCRIBED:
        yield f"`{each.name}`", each.kind, unit(each.name), each.labels, each.source, each.help


def _families(families: Iterable[Metric]) -> Iterator[Sequence[str]]:
    for family in families:
        name = {"counter": f"{family.name}_total", "info": f"{family.name}_info"}.get(
            family.type, family.name
        )
        names = dict.fromkeys(name for sample in family.samples for name in sample.labels if name != "le")
        kind = "gauge" if family.type == "info" else family.type
        yield f"`{name}`", kind, unit(name), " ".join(names), family.documentation


def _dcgm() -> Iterator[Sequence[str]]:
    for series in dcgm.SERIES:
        (column,) = series.columns
        factor = {1.0: "", dcgm.MIB: "1 / 2²⁰"}.get(column.factor, f"{column.factor:g}")
        yield f"`{series.name}`", series.kind, f"`{column.key}`", factor
    yield f"`{dcgm.XIDS.name}`", dcgm.XIDS.kind, "the newest Xid, 0 for none", ""


def _pairs(labels: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f'`{name}="{value}"`' for name, value in labels)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(' --- ' for _ in head)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
