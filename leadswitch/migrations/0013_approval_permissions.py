"""Who decides about changes of buyers: operators and admin. Only admin says which changes need it. All roles may look.

The permissions are created here under the names that Django would give them, as those of the other tables were.
"""

from django.db import migrations

ACTIONS = ("add", "change", "delete", "view")
NAMES = {"approvalpolicy": "approval policy", "changeproposal": "change of a buyer"}
ROLES = {
    "viewer": {"approvalpolicy": ("view",), "changeproposal": ("view",)},
    "operator": {"approvalpolicy": ("view",), "changeproposal": ("view", "change")},
    "finance": {"approvalpolicy": ("view",), "changeproposal": ("view",)},
    "admin": {"approvalpolicy": ACTIONS, "changeproposal": ACTIONS},
}


def give_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    found = {}
    for model, name in NAMES.items():
        content_type, _ = content_types.get_or_create(app_label="distribution", model=model)
        for action in ACTIONS:
            found[model, action], _ = permissions.get_or_create(
                content_type=content_type,
                codename=f"{action}_{model}",
                defaults={"name": f"Can {action} {name}"},
            )
    for role, allowed in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(
            *(found[model, action] for model, actions in allowed.items() for action in actions)
        )


def take_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    permissions.filter(content_type__app_label="distribution", content_type__model__in=list(NAMES)).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leadswitch", "0012_ping_permissions"),
        ("distribution", "0076_approvals_of_changes"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
