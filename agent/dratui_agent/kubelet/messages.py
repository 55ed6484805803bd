"""Protobuf messages of kubelet's plugin APIs, by their field numbers.

They are few and small, and the wire knows no names of messages: DRA v1 and v1beta1 differ by one field, which is left
out where nobody asked for it, and the versions of health by nothing. They live in a pool of their own, where no other
library's can be in the way.

Source: k8s.io/kubelet 1.37, pkg/apis/{pluginregistration/v1, dra/{v1, v1beta1}, dra-health/{v1, v1alpha1}};
grpc.health.v1.
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

Fields = Mapping[str, tuple[int, str]]

_POOL: Final = DescriptorPool()
_SCALARS: Final = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "enum": FieldDescriptorProto.TYPE_INT32,  # the same on the wire
}


def _described(package: str, messages: Mapping[str, Fields]) -> Mapping[str, Any]:
    """Classes by name. A field is its number and type; `[]` before it repeats it, `map ` maps strings to it."""
    file = FileDescriptorProto(name=f"dratui_agent/kubelet/{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            plain = kind.removeprefix("[]").removeprefix("map ")
            made = message.field.add(
                name=field,
                number=number,
                label=FieldDescriptorProto.LABEL_REPEATED
                if kind != plain
                else FieldDescriptorProto.LABEL_OPTIONAL,
            )
            if plain in _SCALARS:
                made.type = _SCALARS[plain]
                continue
            made.type = FieldDescriptorProto.TYPE_MESSAGE
            made.type_name = f".{package}.{plain}"
            if kind.startswith("map "):
                entry = message.nested_type.add(name=f"{field.capitalize()}Entry")
                entry.options.map_entry = True
                entry.field.add(
                    name="key",
                    number=1,
                    type=FieldDescriptorProto.TYPE_STRING,
                    label=FieldDescriptorProto.LABEL_OPTIONAL,
                )
                entry.field.add(
                    name="value",
                    number=2,
                    type=made.type,
                    type_name=made.type_name,
                    label=FieldDescriptorProto.LABEL_OPTIONAL,
                )
                made.type_name = f".{package}.{name}.{entry.name}"
    _POOL.Add(file)
    return {name: GetMessageClass(_POOL.FindMessageTypeByName(f"{package}.{name}")) for name in messages}


REGISTRATION: Final = _described(
    "pluginregistration",
    {
        "InfoRequest": {},
        "PluginInfo": {
            "type": (1, "string"),
            "name": (2, "string"),
            "endpoint": (3, "string"),
            "supported_versions": (4, "[]string"),
        },
        "RegistrationStatus": {"plugin_registered": (1, "bool"), "error": (2, "string")},
        "RegistrationStatusResponse": {},
    },
)
DRA: Final = _described(
    "k8s.io.kubelet.pkg.apis.dra.v1",
    {
        "Claim": {"namespace": (1, "string"), "uid": (2, "string"), "name": (3, "string")},
        "NodePrepareResourcesRequest": {"claims": (1, "[]Claim")},
        "NodePrepareResourcesResponse": {"claims": (1, "map NodePrepareResourceResponse")},
        "NodePrepareResourceResponse": {"devices": (1, "[]Device"), "error": (2, "string")},
        "Device": {
            "request_names": (1, "[]string"),
            "pool_name": (2, "string"),
            "device_name": (3, "string"),
            "cdi_device_ids": (4, "[]string"),
            "share_id": (5, "string"),
        },
        "NodeUnprepareResourcesRequest": {"claims": (1, "[]Claim")},
        "NodeUnprepareResourcesResponse": {"claims": (1, "map NodeUnprepareResourceResponse")},
        "NodeUnprepareResourceResponse": {"error": (1, "string")},
    },
)
HEALTH: Final = _described(
    "v1",
    {
        "NodeWatchResourcesRequest": {},
        "DeviceIdentifier": {"pool_name": (1, "string"), "device_name": (2, "string")},
        "DeviceHealth": {
            "device": (1, "DeviceIdentifier"),
            "health": (2, "enum"),
            "last_updated_time": (3, "int64"),
            "health_check_timeout_seconds": (4, "int64"),
            "message": (5, "string"),
        },
        "NodeWatchResourcesResponse": {"devices": (1, "[]DeviceHealth")},
    },
)
PROBE: Final = _described(
    "grpc.health.v1",
    {"HealthCheckRequest": {"service": (1, "string")}, "HealthCheckResponse": {"status": (1, "enum")}},
)
