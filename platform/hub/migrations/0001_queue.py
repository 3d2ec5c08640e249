"""The tables in which Dramatiq's messages wait, in a schema of their own."""

from django.db import migrations
from dramatiq_postgres import schema


def make_queue(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        schema.init(cursor)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunPython(make_queue, lambda apps, editor: editor.execute("DROP SCHEMA dramatiq CASCADE"))]
