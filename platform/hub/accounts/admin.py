from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from hub.accounts.models import User

admin.site.disable_action("delete_selected")  # what people did stands on these rows: they are made inactive, or deleted one by one


@admin.register(User)
class PersonAdmin(UserAdmin):
    list_display = ("username", "name", "email", "is_staff", "is_active")
    search_fields = ("username", "name", "email")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("name", "email")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
