"""The person who signs in, and how often strangers tried to. What somebody does in a campaign belongs to a membership, not to a user."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models.functions import Lower


class People(UserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        """Sign-in does not mind capitals."""
        return self.get(username__iexact=username)


class User(AbstractUser):
    """Somebody with a sign-in; one name, since not everybody has a first and a last one."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField(max_length=150, blank=True, help_text="as others read it; the user name where empty")

    objects: ClassVar[People] = People()

    class Meta(AbstractUser.Meta):
        constraints = [models.UniqueConstraint(Lower("username"), name="one_user_per_name_whatever_the_capitals")]

    def get_full_name(self) -> str:
        return self.name or self.username

    def get_short_name(self) -> str:
        return self.get_full_name()


class Tries(models.Model):
    """Wrong passwords in a row for one account, from one address, or for an account from an address where it was right before."""

    key = models.CharField(max_length=64, primary_key=True, help_text="a keyed hash: neither addresses nor what was typed are kept")
    wrong = models.PositiveIntegerField(default=0)
    wait_until = models.DateTimeField(db_index=True, help_text="no password is looked at before")

    class Meta:
        verbose_name_plural = "tries"

    def __str__(self) -> str:
        return f"{self.wrong} wrong passwords"


class Knocks(models.Model):
    """How often one address tried one thing within the minute that ends at `until`; the next one forgets those whose minute is over."""

    key = models.CharField(max_length=64, primary_key=True, help_text="a keyed hash: no addresses are kept")
    n = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "knocks"

    def __str__(self) -> str:
        return f"{self.n} knocks until {self.until:%H:%M:%S}"
