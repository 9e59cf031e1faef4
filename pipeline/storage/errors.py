"""What object storage may answer, in our words; the third party's exceptions are translated once, here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.storage.location import Location

_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SKIP_SIGNATURE=true for a public bucket)",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_METADATA_SERVICES = ("169.254.169.254", "metadata.google.internal", "169.254.170.2")
_SHOWN_CHARACTERS = 300


class CloudError(PipelineError):
    """Object storage did not do what was asked."""


class NoSuchObject(CloudError):
    """There is no such object, or no such bucket."""


class ObjectTaken(CloudError):
    """An object of this name stands there with other content; it was not overwritten."""


def cloud_error(error: Exception, location: Location) -> CloudError:
    """Translate what obstore raised about *location*."""
    from obstore import exceptions

    text = str(error).strip().splitlines()[0][:_SHOWN_CHARACTERS] if str(error).strip() else type(error).__name__
    credentials = _CREDENTIALS[location.scheme]
    if isinstance(error, FileNotFoundError):
        return NoSuchObject(f"there is no object {location}", hint="check bucket, path and endpoint")
    if isinstance(error, (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)):
        return CloudError(f"no permission for {location}", hint=f"{credentials}, and check the bucket's policy")
    if any(service in text for service in _METADATA_SERVICES):  # looked for in vain on the machine's own service
        return CloudError(f"no credentials for {location}", hint=credentials)
    return CloudError(f"{location}: {text}", hint="check the endpoint and the network, then run the command again")
