"""All roles may look at offers and card payments.

The permissions are created here under the names that Django would give them, as those of the other tables were.
"""

from django.db import migrations

MODELS = {"offer": "offer", "cardpayment": "card payment"}
ROLES = ("viewer", "operator", "finance", "admin")


def give_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    for model, name in MODELS.items():
        content_type, _ = content_types.get_or_create(app_label="distribution", model=model)
        may_view, _ = permissions.get_or_create(
            content_type=content_type, codename=f"view_{model}", defaults={"name": f"Can view {name}"}
        )
        for role in ROLES:
            group, _ = groups.get_or_create(name=role)
            group.permissions.add(may_view)


def take_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    found = permissions.filter(content_type__app_label="distribution", content_type__model__in=list(MODELS))
    found.filter(codename__startswith="view_").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leadswitch", "0013_approval_permissions"),
        ("distribution", "0088_cards"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
