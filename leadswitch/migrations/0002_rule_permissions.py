"""What the groups of the admin may do with routing rules: all may look, operators and admins may write.

Its permissions are created here under the names that Django would give them, as those of the other tables were.
"""

from django.db import migrations

ACTIONS = ("add", "change", "delete", "view")
ROLES = {"viewer": ("view",), "operator": ACTIONS, "finance": ("view",), "admin": ACTIONS}


def give_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    content_type, _ = (
        apps.get_model("contenttypes", "ContentType")
        .objects.using(alias)
        .get_or_create(app_label="routing", model="routingrule")
    )
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    for role, actions in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        for action in actions:
            permission, _ = permissions.get_or_create(
                content_type=content_type,
                codename=f"{action}_routingrule",
                defaults={"name": f"Can {action} routing rule"},
            )
            group.permissions.add(permission)


def take_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    permissions.filter(content_type__app_label="routing", content_type__model="routingrule").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leadswitch", "0001_roles"),
        ("routing", "0005_rules"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
