"""What someone starts from who tries a selector: that of a request, of a class, or one for devices like this."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from dratui.api.model import DeviceKey, ObjectKey, Pod, Request
from dratui.cluster.devices import attribute
from dratui.cluster.index import named_claims
from dratui.cluster.judgement import published
from dratui.cluster.store import Store

KINDS: Final = ("claims", "pods", "templates", "classes", "devices")
_LIKE: Final = ("productName", "model", "type", "profile")


class Draft(NamedTuple):
    """An expression, the device class that its request names, and what it is of: `request gpu of claim ml/train`."""

    text: str = ""
    device_class: str = ""
    of: str = ""


def draft(store: Store, kind: str, key: Any, request: str = "") -> Draft:
    """Of the request with this name, else the first with a selector, else the first. Empty where there is none."""
    if kind == "classes":
        found = store.classes.get(key)
        return Draft(joined(found.selectors), "", f"class {found.name}") if found else Draft()
    if kind == "devices":
        return _like(store, key)
    asked = list(_asked(store, kind, key))
    named = [each for each in asked if request and each[1] == request]
    telling = [each for each in asked if each[2].selectors]
    for of, name, wanted in (named or telling or asked)[:1]:
        return Draft(joined(wanted.selectors), wanted.device_class, f"request {name} of {of}")
    return Draft()


def joined(selectors: Sequence[str]) -> str:
    """Several as one that says the same."""
    texts = [each.strip() for each in selectors]
    return texts[0] if len(texts) == 1 else " && ".join(f"({text})" for text in texts)


def manifest(text: str, device_class: str) -> dict[str, Any]:
    """An object with the selector, as kubectl takes it: a claim of a device of the class, or without one a class."""
    selectors = [{"cel": {"expression": text}}] if text.strip() else []
    if not device_class:
        return _object("DeviceClass", {"selectors": selectors})
    exactly = {"deviceClassName": device_class, "selectors": selectors}
    return _object("ResourceClaim", {"devices": {"requests": [{"name": "device", "exactly": exactly}]}})


def _object(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "resource.k8s.io/v1", "kind": kind, "metadata": {"name": "draft"}, "spec": spec}


def _like(store: Store, key: DeviceKey) -> Draft:
    """Devices of the same driver that are called the same."""
    from dratui.why.vocabulary import literal  # it is loaded when someone tries a selector, not before

    found = published(store, key)
    if found is None:
        return Draft()
    clauses = [f'device.driver == "{key.driver}"']
    for name in _LIKE:
        value = attribute(key.driver, found[1], name)
        if isinstance(value, str) and (text := literal(value)):
            clauses.append(f'device.attributes["{key.driver}"].{name} == {text}')
    return Draft(" && ".join(clauses), "", f"devices like {key.device}")


def _asked(store: Store, kind: str, key: ObjectKey) -> Iterator[tuple[str, str, Request]]:
    """Every request, of alternatives each: whose, its name, what."""
    match kind:
        case "claims" if claim := store.claims.get(key):
            yield from _each(f"claim {claim.namespace}/{claim.name}", claim.requests)
        case "templates" if template := store.templates.get(key):
            yield from _each(f"template {template.namespace}/{template.name}", template.requests)
        case "pods" if pod := store.pods.get(key):
            for owner, of in _of_pod(pod):
                yield from _asked(store, owner, of)


def _of_pod(pod: Pod) -> Iterator[tuple[str, ObjectKey]]:
    """Its claims; of one that was not made yet the template."""
    names = named_claims(pod)
    for entry in pod.claims:
        if names[entry.name]:
            yield "claims", ObjectKey(pod.namespace, names[entry.name])
        elif entry.template:
            yield "templates", ObjectKey(pod.namespace, entry.template)


def _each(of: str, requests: Sequence[Request]) -> Iterator[tuple[str, str, Request]]:
    for request in requests:
        if request.alternatives:
            yield from ((of, f"{request.name}/{each.name}", each) for each in request.alternatives)
        else:
            yield of, request.name, request
