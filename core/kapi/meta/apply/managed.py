"""The public face of field ownership: who changed what (``track_update``), and server-side apply (``apply``)."""

from kapi.meta.apply.changes import Object
from kapi.meta.apply.fieldset import FieldSet
from kapi.meta.apply.manager import default_manager, validate_manager
from kapi.meta.apply.server_side import apply, check_object_type, decode_applied
from kapi.meta.apply.tracking import Convert, keep_times_if_unchanged, restore_if_invalid, served_versions, track_update

__all__ = [
    "Convert",
    "FieldSet",
    "Object",
    "apply",
    "check_object_type",
    "decode_applied",
    "default_manager",
    "keep_times_if_unchanged",
    "restore_if_invalid",
    "served_versions",
    "track_update",
    "validate_manager",
]
