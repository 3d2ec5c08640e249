"""Put a checkpoint with its card on Hugging Face's hub, or on one of your own that speaks the same; with the extra `hub`."""

from __future__ import annotations

import os
from pathlib import Path


class NotPushed(Exception):
    """The checkpoint could not be put there."""


def push(*, file: Path, called: str, card: str, repo: str, private: bool, message: str) -> str:
    """One commit with the card as README.md and the file as `called`, into `repo` (`NAME/MODEL`), made where it is not there.

    Whose account that is says the environment, `HF_TOKEN`, or `hf auth login`; which hub, `HF_ENDPOINT`. Returns the address.
    Raises `NotPushed`, saying what to do.
    """
    try:
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as lacking:
        raise NotPushed(f"huggingface_hub is not installed: pip install 'unbleed[hub]' ({lacking})") from lacking
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    operations = [
        CommitOperationAdd(path_in_repo="README.md", path_or_fileobj=card.encode()),
        CommitOperationAdd(path_in_repo=called, path_or_fileobj=str(file)),
    ]
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        return str(api.create_commit(repo, operations, commit_message=message).commit_url)
    except HFValidationError as wrong:
        raise NotPushed(str(wrong)) from wrong
    except HfHubHTTPError as refused:
        said = str(refused).strip().splitlines()
        raise NotPushed(f"The hub refused it: {said[0] if said else refused!r}. Is HF_TOKEN one that may write there?") from refused
    except Exception as unreached:
        if not isinstance(unreached, OSError) and not type(unreached).__module__.startswith("httpx"):  # httpx or httpx2, by its version
            raise
        raise NotPushed(f"The hub cannot be reached: {unreached}") from unreached
