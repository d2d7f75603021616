"""Generated facts about the built-in kinds.

``definitions.json`` is a compact table (:mod:`kapi.meta.schema.compact`). ``resources.json`` is an object whose ``groups`` lists
the API groups in the order of discovery, each with its ``name`` and, preferred one first, its ``versions``: by version
the list of resources in the order of discovery. A resource has ``resource`` (plural), ``kind``, ``singular``, ``verbs``, the
``definition`` of its kind, and, unless empty or false, ``namespaced``, ``shortNames``, ``categories``, ``columns`` (name, type, format,
priority) and ``subresources``: ``name``, ``kind`` (group, version, kind), ``verbs`` and, if there is one, the ``definition``.
"""
