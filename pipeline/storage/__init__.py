"""Object storage: manifests, images and outputs on ``s3://``, ``gs://`` and ``az://``, through obstore.

Credentials and endpoints come from the variables that each service's own tools read (``AWS_*``, ``GOOGLE_*``,
``AZURE_*``).  Needs the extra ``[cloud]``; without it every call says the exact pip line.  Knows neither images, nor
manifests, nor the ledger.
"""

from pipeline.storage.cloud import CloudStorage, StoredObject, open_remote
from pipeline.storage.errors import CloudError, NoSuchObject, ObjectTaken
from pipeline.storage.location import Location

__all__ = ["CloudError", "CloudStorage", "Location", "NoSuchObject", "ObjectTaken", "StoredObject", "open_remote"]
