"""NoFiles: no page takes files, so nobody can send more than a form may have by calling it one."""

from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler, SkipFile


class NoFiles(FileUploadHandler):
    """The only upload handler. Django bounds the fields of a form, but reads files of any size, also a stranger's."""

    def handle_raw_input(self, input_data: IO[bytes], META: dict[str, Any], content_length: int, *_: Any) -> None:
        """Refuse what is larger than a form may be, before any of it is read. Raises RequestDataTooBig."""
        if content_length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("A form has no files, and is not that large.")

    def new_file(self, *_: Any, **__: Any) -> NoReturn:
        """Pass over a file."""
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Nothing comes this far."""
        return None

    def file_complete(self, file_size: int) -> None:
        """Nothing comes this far."""
