"""Drops the table of djangorestframework-api-key, which nothing read, with its permissions and its list of migrations.

The keys of sources and buyers are in tables of their own and stay. Reversed, there is nothing to do: the version before
has the library, whose migrations make the empty table again.
"""

from typing import Any

from django.db import migrations

APP = "rest_framework_api_key"


def forget_permissions(apps: Any, _editor: object) -> None:
    apps.get_model("contenttypes", "ContentType").objects.filter(app_label=APP).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("leadswitch", "0003_large_sums"),
    ]

    lint_accepted = {"ban-drop-table": "no process of any version reads this table"}
    operations = [
        migrations.RunPython(forget_permissions, migrations.RunPython.noop),
        migrations.RunSQL(
            """
            DROP TABLE IF EXISTS rest_framework_api_key_apikey;
            DELETE FROM django_migrations WHERE app = 'rest_framework_api_key';
            """,
            migrations.RunSQL.noop,
        ),
    ]
