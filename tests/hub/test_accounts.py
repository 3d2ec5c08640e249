def test_user(db, django_user_model):
    django_user_model.objects.create_user("Ada")
    assert django_user_model.objects.get_by_natural_key("ada").username == "Ada"
