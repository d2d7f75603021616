"""Binding a pod to a node: ``pods/binding`` and the ``bindings`` resource."""

from collections.abc import Callable
from dataclasses import replace

from kapi.contracts.resources import APIGroup, Object, RequestContext, Resource, Strategy
from kapi.meta import times
from kapi.meta.errors import StatusError, bad_request, conflict, field_not_supported, field_required
from kapi.meta.gvk import GroupResource
from kapi_apigroups.common.conditions import set_condition
from kapi_apigroups.core.resources import POD_RESOURCE, PODS
from kapi_apigroups.core.success import success

_SUBRESOURCE = "binding"
_BINDING = GroupResource("", "pods/binding")


class AssignmentStrategy(Strategy):
    """The handler has checked everything: the pod is written as it says."""


def with_assignment(group: APIGroup) -> APIGroup:
    """Return the core group with the rules under which the handler of ``pods/binding`` writes the pod."""
    versions = tuple(
        replace(version, resources=tuple(_with_assignment(resource) for resource in version.resources))
        for version in group.versions
    )
    return replace(group, versions=versions)


def _with_assignment(resource: Resource) -> Resource:
    if resource.gvr != PODS:
        return resource
    subresources = tuple(
        replace(one, strategy=AssignmentStrategy()) if one.name == _SUBRESOURCE else one
        for one in resource.subresources
    )
    return replace(resource, subresources=subresources)


class BindingHandler:
    """Serves ``create`` of bindings."""

    async def create(self, ctx: RequestContext, obj: Object) -> Object:
        """Assign a pod to a node; raises conflict when it has one already."""
        metadata = obj.get("metadata", {})
        name = ctx.name or metadata.get("name", "")
        if ctx.name and metadata.get("name") != ctx.name:
            raise bad_request("name in URL does not match name in Binding object")
        _check_target(obj.get("target", {}))
        change = _assign(name, obj)
        if ctx.dry_run:
            change(await ctx.client.get(PODS, name, ctx.namespace))
        else:
            await ctx.client.update(PODS, name, change, ctx.namespace, subresource=_SUBRESOURCE)
        return success()


def _check_target(target: Object) -> None:
    """Refuse targets that are no nodes, with the bare list of errors that kube-apiserver gives here."""
    errors = []
    if target.get("kind", "") not in ("", "Node"):
        errors.append(field_not_supported("target.kind", target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        errors.append(field_required("target.name"))
    if errors:
        texts = [str(error) for error in errors]
        raise StatusError(500, "", texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")


def _check_uid(wanted: str, metadata: Object) -> None:
    if wanted and wanted != metadata.get("uid"):
        raise conflict(
            POD_RESOURCE,
            metadata["name"],
            "StorageError: invalid object, Code: 4, "
            f"Key: /registry/pods/{metadata.get('namespace', '')}/{metadata['name']}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted}, "
            f"UID in object meta: {metadata.get('uid', '')}",
        )


def _assign(name: str, binding: Object) -> Callable[[Object], Object]:
    """Return the change of a pod that a binding asks for."""
    node, given = binding["target"]["name"], binding.get("metadata", {})

    def change(pod: Object) -> Object:
        spec, metadata = pod["spec"], pod["metadata"]
        _check_uid(given.get("uid", ""), metadata)
        if given.get("resourceVersion"):
            metadata["resourceVersion"] = given["resourceVersion"]
        if "deletionTimestamp" in metadata:
            raise conflict(_BINDING, name, f"pod {name} is being deleted, cannot be assigned to a host")
        if spec.get("nodeName"):
            raise conflict(_BINDING, name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
        if spec.get("schedulingGates"):
            raise conflict(_BINDING, name, f"pod {name} has non-empty .spec.schedulingGates")
        spec["nodeName"] = node
        for member in ("labels", "annotations"):
            if given.get(member):
                metadata[member] = {**metadata.get(member, {}), **given[member]}
        condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": times.now()}
        set_condition(pod["status"], condition)
        pod["status"].pop("nominatedNodeName", None)
        return pod

    return change
