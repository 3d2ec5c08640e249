from django.db import migrations

TABLE = """
CREATE TABLE IF NOT EXISTS accounts_cache (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL);
CREATE INDEX IF NOT EXISTS accounts_cache_expires ON accounts_cache (expires);
"""


class Migration(migrations.Migration):
    """The table of Django's database cache, which all web processes count tries in."""

    dependencies = [("accounts", "0003_knocks")]
    operations = [migrations.RunSQL(TABLE, "DROP TABLE accounts_cache")]
