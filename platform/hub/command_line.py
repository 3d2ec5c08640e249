"""The command line: `manage.py` in a checkout, `unbleed` where it is installed."""

import errno
import os
import sys

from hub import disk, postgres, up_to_date

# These start no database of their own: `up` and `demo` do so themselves, `doctor` only looks.
WITHOUT_DATABASE = {
    "up",
    "demo",
    "doctor",
    "help",
    "version",
    "--help",
    "-h",
    "--version",
    "collectstatic",
    "compilemessages",
    "fetch_editor",
    "texts",
}
NOT_OURS = {errno.EACCES, errno.EPERM, errno.ENOTDIR}  # a folder that this user may not make, or that is none
# These want the database as it is: all others find it up to date.
AS_IT_IS = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "check", "dbshell", "backup", "restore"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        settings.INSTALLED_APPS  # noqa: B018  (reads the settings now, so that a wrong variable is one clear line)
        if not _only_asks(sys.argv[1:]):
            server = postgres.ensure()
            postgres.reach()
            if sys.argv[1] not in AS_IT_IS:
                django.setup()
                up_to_date.ensure(ours=server is not None)
        execute_from_command_line(sys.argv)
    except (postgres.ServerError, ImproperlyConfigured) as error:
        sys.exit(f"unbleed: {error}")
    except OperationalError as error:
        sys.exit(f"unbleed: the database cannot be used: {' '.join(str(error).split())}")
    except OSError as error:
        if error.errno not in disk.FAULTS | NOT_OURS:
            raise
        advice = " Make the folder that UNBLEED_HOME names, for the user who runs this." if error.errno in NOT_OURS else ""
        sys.exit(f"unbleed: {error}.{advice}")


def _only_asks(arguments: list[str]) -> bool:
    return not arguments or arguments[0] in WITHOUT_DATABASE or bool({"--help", "-h"} & set(arguments))


if __name__ == "__main__":
    main()
