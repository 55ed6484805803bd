"""Protobuf messages of kubelet's plugin APIs, described here by their field numbers instead of generated.

Source: k8s.io/kubelet, pkg/apis/{pluginregistration/v1, dra/v1, dra-health/v1, deviceplugin/v1beta1}.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

Fields = Mapping[str, tuple[int, str]]

_SCALARS = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "enum": FieldDescriptorProto.TYPE_INT32,
}


def described(package: str, messages: Mapping[str, Fields]) -> Mapping[str, Any]:
    """Classes by name. A field is its number and type: `string`, `bool`, another message; `[]` before it repeats it."""
    file = FileDescriptorProto(name=f"tests/{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            plain = kind.removeprefix("[]")
            repeated = (
                FieldDescriptorProto.LABEL_REPEATED if kind != plain else FieldDescriptorProto.LABEL_OPTIONAL
            )
            made = message.field.add(name=field, number=number, label=repeated)
            if plain in _SCALARS:
                made.type = _SCALARS[plain]
            else:
                made.type, made.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{package}.{plain}"
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}


REGISTRATION = described(
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
# A map of protobuf is a repeated message of key and value.
DRA = described(
    "k8s.io.kubelet.pkg.apis.dra.v1",
    {
        "Claim": {"namespace": (1, "string"), "uid": (2, "string"), "name": (3, "string")},
        "Request": {"claims": (1, "[]Claim")},
        "Device": {
            "request_names": (1, "[]string"),
            "pool_name": (2, "string"),
            "device_name": (3, "string"),
            "cdi_device_ids": (4, "[]string"),
            "share_id": (5, "string"),
        },
        "Prepared": {"devices": (1, "[]Device"), "error": (2, "string")},
        "PreparedOfClaim": {"key": (1, "string"), "value": (2, "Prepared")},
        "PrepareResponse": {"claims": (1, "[]PreparedOfClaim")},
        "Unprepared": {"error": (1, "string")},
        "UnpreparedOfClaim": {"key": (1, "string"), "value": (2, "Unprepared")},
        "UnprepareResponse": {"claims": (1, "[]UnpreparedOfClaim")},
    },
)
HEALTH = described(
    "v1",
    {
        "NodeWatchResourcesRequest": {},
        "Identifier": {"pool_name": (1, "string"), "device_name": (2, "string")},
        "Device": {
            "device": (1, "Identifier"),
            "health": (2, "enum"),
            "last_updated_time": (3, "int64"),
            "health_check_timeout_seconds": (4, "int64"),
            "message": (5, "string"),
        },
        "NodeWatchResourcesResponse": {"devices": (1, "[]Device")},
    },
)
PROBE = described(
    "grpc.health.v1",
    {"HealthCheckRequest": {"service": (1, "string")}, "HealthCheckResponse": {"status": (1, "enum")}},
)
DEVICE_PLUGIN = described(
    "v1beta1",
    {
        "Empty": {},
        "DevicePluginOptions": {},
        "RegisterRequest": {
            "version": (1, "string"),
            "endpoint": (2, "string"),
            "resource_name": (3, "string"),
        },
        "Device": {"ID": (1, "string"), "health": (2, "string")},
        "ListAndWatchResponse": {"devices": (1, "[]Device")},
        "ContainerAllocateRequest": {"devices_ids": (1, "[]string")},
        "AllocateRequest": {"container_requests": (1, "[]ContainerAllocateRequest")},
        "ContainerAllocateResponse": {},
        "AllocateResponse": {"container_responses": (1, "[]ContainerAllocateResponse")},
    },
)
