"""Known answer: I/O. Writes 64 MB, makes it safe, reads it back past the page cache; again and again."""
import os
import tempfile

PIECE = b"0123456789abcdef" * 65536  # 1 MiB

with tempfile.NamedTemporaryFile(dir=".", prefix="copy_file.") as file:
    fd = file.fileno()
    for _ in range(6):
        os.lseek(fd, 0, os.SEEK_SET)
        for _ in range(64):
            os.write(fd, PIECE)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.lseek(fd, 0, os.SEEK_SET)
        while os.read(fd, len(PIECE)):
            pass
