"""Who may invite and remove the people of a buyer: operators and admins. All roles may look.

The permissions are created here under the names that Django would give them, as those of the other tables were.
"""

from django.db import migrations

ACTIONS = ("add", "change", "delete", "view")
MODEL = "portaluser"
ROLES = {"viewer": ("view",), "operator": ACTIONS, "finance": ("view",), "admin": ACTIONS}


def give_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    content_type, _ = content_types.get_or_create(app_label="distribution", model=MODEL)
    found = {}
    for action in ACTIONS:
        found[action], _ = permissions.get_or_create(
            content_type=content_type,
            codename=f"{action}_{MODEL}",
            defaults={"name": f"Can {action} portal user"},
        )
    for role, actions in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(found[action] for action in actions))


def take_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    permissions.filter(content_type__app_label="distribution", content_type__model=MODEL).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leadswitch", "0009_workspace_key_permissions"),
        ("distribution", "0063_portal"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
