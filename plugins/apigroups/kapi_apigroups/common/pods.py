"""The rules of pods that kinds with a pod template share."""

from kapi_apigroups.common.pod_defaults import default_pod_spec, default_pod_template
from kapi_apigroups.common.pod_validation import validate_pod_spec, validate_pod_template

__all__ = ["default_pod_spec", "default_pod_template", "validate_pod_spec", "validate_pod_template"]
