"""Compares API responses with the documents of the OpenAPI schema, field by field."""

from typing import Any

from rest_framework import serializers


def assert_described(value: Any, document: serializers.BaseSerializer[Any]) -> None:
    if value is None:
        assert document.allow_null
    elif isinstance(document, serializers.ListSerializer):
        for each in value:
            assert_described(each, document.child)
    elif isinstance(document, serializers.Serializer):
        assert set(value) == set(document.fields)
        for name, field in document.fields.items():
            if isinstance(field, serializers.BaseSerializer):
                assert_described(value[name], field)
            else:
                assert value[name] is not None or field.allow_null, name
                if value[name] is not None:
                    is_text = isinstance(field, serializers.CharField)
                    field.run_validation(value[name] or "x" if is_text else value[name])
