"""What the groups of the admin may do with returns: all may look, finance and admins decide and set the policies.

Its permissions are created here under the names that Django would give them, as those of the other tables were.
"""

from django.db import migrations

MODELS = {"returnpolicy": "return policy", "returnrequest": "return"}
ACTIONS = ("add", "change", "delete", "view")
ROLES = {"viewer": ("view",), "operator": ("view",), "finance": ACTIONS, "admin": ACTIONS}


def give_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    for model, name in MODELS.items():
        content_type, _ = types.get_or_create(app_label="distribution", model=model)
        for role, actions in ROLES.items():
            group, _ = groups.get_or_create(name=role)
            for action in actions:
                permission, _ = permissions.get_or_create(
                    content_type=content_type,
                    codename=f"{action}_{model}",
                    defaults={"name": f"Can {action} {name}"},
                )
                group.permissions.add(permission)


def take_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    permissions.filter(content_type__app_label="distribution", content_type__model__in=MODELS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leadswitch", "0005_digest_mail"),
        ("distribution", "0037_returns"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
