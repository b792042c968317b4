"""One identity for both spellings of a domain and both ways to dial a line, for the leads that are there.

In short batches outside a transaction: leads are taken in and sold while it runs. See routing/intake/rehash.py.
"""

from django.db import migrations

from routing.intake.rehash import rehash_identities


def rehash(apps, schema_editor):  # noqa: ARG001 - the signature is Django's
    rehash_identities()


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0013_workspace_polled_index")]

    operations = [migrations.RunPython(rehash, migrations.RunPython.noop)]
